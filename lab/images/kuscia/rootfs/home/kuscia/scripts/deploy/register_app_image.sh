#!/bin/bash
#
# Stand-in for the real register_app_image.sh, written anew. Inside the container (-m) it registers the engine's AppImages;
# on the host (-c CONTAINER --import) it brings the engine's image into the container. See lab/images/kuscia/FIDELITY.md.
set -e

green() { echo -e "\033[0;32m$*\033[0m"; }

CONTAINER=''
IMAGE=''
NAME=secretflow-image
DO=''
while [[ $# -gt 0 ]]; do
  case $1 in
    -c) CONTAINER=$2; shift ;;
    -i) IMAGE=$2; shift ;;
    -n) NAME=$2; shift ;;
    -m) DO=register ;;
    --import) DO=import ;;
    *) echo "unknown argument: $1"; exit 0 ;;
  esac
  shift
done
[[ -n $IMAGE ]] || { echo 'the image is missing: -i IMAGE'; exit 0; }

app_image() {
  cat <<EOF
apiVersion: kuscia.secretflow/v1alpha1
kind: AppImage
metadata:
  name: $1
spec:
  configTemplates: {}
  image:
    name: ${IMAGE%:*}
    tag: ${IMAGE##*:}
EOF
}

register() {
  app_image "$NAME" | kubectl apply -f -
  app_image secretflow-nsjail-image | kubectl apply -f -
}

import() {
  if docker image inspect "$IMAGE" >/dev/null 2>&1; then
    green "Found the engine image '${IMAGE}' on host"
  else
    green "Not found the engine image '${IMAGE}' on host"
    green "Start pulling image '${IMAGE}' ..."
    docker pull "$IMAGE"
  fi
  docker save "$IMAGE" | docker exec -i "$CONTAINER" sh -c 'cat >/dev/null'
  green "Successfully imported image '${IMAGE}' to container '${CONTAINER}' ..."
}

case $DO in
  register) register ;;
  import) import ;;
  *) echo 'nothing to do: neither -m nor --import'; exit 0 ;;
esac
