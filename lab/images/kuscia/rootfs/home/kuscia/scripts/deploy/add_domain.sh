#!/bin/bash
#
# Stand-in for the real add_domain.sh, written anew: add_domain.sh DOMAIN [p2p] [PROTOCOL] [MASTER].
# A missing certificate file does not stop it (the pipe hides the error), and a domain with an empty certificate is applied.
set -e

DOMAIN_ID=$1
ROLE=''
[[ $2 != p2p ]] || ROLE=partner
PROTOCOL=${3:-kuscia}
MASTER=${4:-$DOMAIN_ID}
[[ -n $DOMAIN_ID ]] || { echo 'missing argument: domain id' >&2; exit 1; }

CERT=$(base64 "/home/kuscia/var/certs/${DOMAIN_ID}.domain.crt" | tr -d '\n')
kubectl apply -f - <<EOF
apiVersion: kuscia.secretflow/v1alpha1
kind: Domain
metadata:
  name: ${DOMAIN_ID}
  annotations:
    domain/${DOMAIN_ID}: kuscia.secretflow/domain-type=embedded
spec:
  cert: "${CERT}"
  role: "${ROLE}"
  master: ${MASTER}
  authCenter:
    authenticationType: Token
    tokenGenMethod: RSA-GEN
  interConnProtocols: [${PROTOCOL}]
EOF
