#!/bin/bash
#
# Stand-in for the real join_to_host.sh, written anew:
# join_to_host.sh SELF PEER ENDPOINT [-p PROTOCOL] [-t TOKEN] [-x TRANSIT] [-a MTLS|Token|None] [-i ARG] [-k ARG]
# -a is checked and then ignored; a bad one ends with 0, -a Token without -t with 1.
set -e

usage() { echo "$(basename "$0") SELF PEER ENDPOINT [-p PROTOCOL] [-t TOKEN] [-x TRANSIT] [-a MTLS|Token|None]"; }

SELF=$1
PEER=$2
ENDPOINT=$3
[[ $1 != -h ]] || { usage; exit 0; }
[[ -n $ENDPOINT ]] || { usage; exit 1; }
shift 3
PROTOCOL=kuscia
AUTHENTICATION=''
TOKEN=''
TRANSIT=''
while getopts 'p:t:x:a:i:k:h' option; do
  case $option in
    p) PROTOCOL=$OPTARG ;;
    t) TOKEN=$OPTARG ;;
    x) TRANSIT=$OPTARG ;;
    a) AUTHENTICATION=$OPTARG ;;
    h) usage; exit 0 ;;
    i | k) ;;
    *) usage; exit 1 ;;
  esac
done
case $AUTHENTICATION in
  '' | MTLS | None) ;;
  Token) [[ -n $TOKEN ]] || { usage; exit 1; } ;;
  *) usage; exit 0 ;;
esac

# scheme://host[:port][/path], split at colons: no IPv6.
SCHEME=${ENDPOINT%%://*}
REST=${ENDPOINT#*://}
AUTHORITY=${REST%%/*}
SUBPATH=/
[[ $REST != */* ]] || SUBPATH=/${REST#*/}
HOST=${AUTHORITY%%:*}
PORT=80
TLS=''
[[ $SCHEME != https ]] || { PORT=443; TLS='      isTLS: true'; }
[[ $AUTHORITY != *:* ]] || PORT=${AUTHORITY#*:}

kubectl apply -f - <<EOF
apiVersion: kuscia.secretflow/v1alpha1
kind: ClusterDomainRoute
metadata:
  name: ${SELF}-${PEER}
spec:
  source: ${SELF}
  destination: ${PEER}
  interConnProtocol: ${PROTOCOL}
  endpoint:
    host: ${HOST}
    ports:
    - name: http
      protocol: HTTP
${TLS}
      pathPrefix: ${SUBPATH}
      port: ${PORT}
${TRANSIT:+  transit: {transitMethod: THIRD-DOMAIN, domain: {domainID: $TRANSIT\}\}}
  authenticationType: Token
  tokenConfig:
    tokenGenMethod: RSA-GEN
    rollingUpdatePeriod: 86400
  requestHeadersToAdd:
    Authorization: Bearer ${TOKEN}
EOF
