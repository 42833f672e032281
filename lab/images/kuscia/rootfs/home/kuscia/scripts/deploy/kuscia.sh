#!/bin/bash
#
# Stand-in for the kuscia.sh of the real image: the same interface, output, exit codes, leftovers and traps, written anew.
# What looks like a mistake in here is one of those traps; lab/images/kuscia/FIDELITY.md lists them. Do not mend them.

# shellcheck disable=SC2015,SC2162,SC2181
set -e

NETWORK=kuscia-exchange-cluster
REGISTRY=secretflow-registry.cn-hangzhou.cr.aliyuncs.com/secretflow
KUSCIA_IMAGE=${KUSCIA_IMAGE:-${REGISTRY}/kuscia:latest}
SECRETFLOW_IMAGE=${SECRETFLOW_IMAGE:-${REGISTRY}/secretflow-lite-anolis8:1.11.0b1}
ROOT=${ROOT:-$PWD}
IN_CONTAINER=/home/kuscia
IMPORT_SF_IMAGE=secretflow

green() { echo -e "\033[0;32m$*\033[0m"; }
red() { echo -e "\033[31m$*\033[0m"; }
yellow() { echo -e "\033[1;33m$*\033[0m"; }
problem() { echo "$*" >&2; exit 1; }

usage() {
  cat <<EOF
$(basename "$0") start -c CONFIG -p PORT [-q -k -g -x PORT] [-m MEMORY] [-a secretflow|none] [-d -l -s DIRECTORY]
                [--cluster] [--rootless] [--data-proxy] [--memory-limit=MEMORY]
$(basename "$0") upgrade CONTAINER
EOF
}

# Not YAML: the first word after the key, wherever the key stands in a line without a # before it.
value_of() { grep -E "^[^#]*$1:" "$2" | head -n 1 | awk '{print $2}' | tr -d '"\r'; }
runtime_of() { grep -E "^runtime:" "$1" | sed -e 's/^runtime:[[:space:]]*//' | tr -d '\r'; }

read_config() {
  MODE=$(value_of mode "$CONFIG")
  DOMAIN_ID=$(value_of domainID "$CONFIG")
  DEPLOY_TOKEN=$(value_of liteDeployToken "$CONFIG")
  MASTER_ENDPOINT=$(value_of masterEndpoint "$CONFIG")
  DATASTORE=$(value_of datastoreEndpoint "$CONFIG")
  RUNTIME=$(runtime_of "$CONFIG")
  MODE=${MODE,,}
  export DEPLOY_TOKEN MASTER_ENDPOINT
}

# Appended at every call: the second one makes a duplicate key that the program refuses.
allow_privileged() {
  [[ $ALLOW_PRIVILEGED == true ]] || return 0
  printf 'agent:\n  allowPrivileged: true\n' >>"$CONFIG"
}

make_directory() {
  { mkdir -p "$1" && chmod 777 "$1"; } 2>/dev/null || { echo "User does not have access to create the directory: $1"; exit 1; }
}

check_network() {
  local shown
  # A substring filter on a worker: kuscia-exchange-cluster-old passes as well.
  if [[ -z $(docker network ls -q -f "name=${NETWORK}") ]]; then
    HELPER=$(docker run -dit --rm --network "$NETWORK" "$KUSCIA_IMAGE" bash) || exit $?
  fi
  shown=$(docker network inspect "$NETWORK") || exit $?
  grep -q '"Driver": "overlay"' <<<"$shown" || { red "Network '${NETWORK}' exists, but its Driver is not 'overlay'."; exit 1; }
  grep -q '"Attachable": true' <<<"$shown" || { red "Network '${NETWORK}' exists, but its Attachable is not 'true'."; exit 1; }
  green "Network '${NETWORK}' is overlay and swarm scope type."
  [[ -z $HELPER ]] || docker rm -f "$HELPER"
}

# Any state counts: running, exited, merely created. An end of file is a "no" that ends with 0.
ask_to_recreate() {
  local answer=''
  [[ -n $(docker ps -a -q -f "name=^/${CTR}$") ]] || return 0
  read -r -p "$(green "The container '${CTR}' already exists. Do you need to recreate it? [y/n]: ")" answer || true
  case $answer in
    y | Y | yes | YES)
      green "Remove container ${CTR} ..."
      docker rm -f "$CTR"
      ;;
    *)
      yellow 'installation exit.'
      exit 0
      ;;
  esac
}

ask_about_k3s_data() {
  local answer
  [[ -z $DATASTORE ]] || return 0
  if [[ -d $DOMAIN_K3S_DB_DIR && -n $(ls -A "$DOMAIN_K3S_DB_DIR") ]]; then
    read -r -p "$(green 'Whether to retain k3s data?(y/n): ')" answer
    case $answer in
      y | Y | yes | YES) ;;
      *) rm -rf "${DOMAIN_K3S_DB_DIR:?}"/* ;;
    esac
  fi
  make_directory "$DOMAIN_K3S_DB_DIR"
  read -r -a K3S_VOLUME <<<"-v ${DOMAIN_K3S_DB_DIR}:${IN_CONTAINER}/var/k3s/server/db"
}

# 63 characters first, then lower case, then one odd character off each end: equal names are possible.
generate_hostname() {
  local name
  name="${CTR}-$(hostname)"
  name=${name:0:63}
  name=${name,,}
  name=${name//[_.]/-}
  name=${name#[^a-z0-9]}
  echo "${name%[^a-z0-9]}"
}

run_container() {
  local -a memory=() ptrace=() network=() volumes rootless=()
  [[ $MEMORY_LIMIT == -1 ]] || memory=(-m "$MEMORY_LIMIT")
  [[ $RUNTIME != runp ]] || ptrace=(--cap-add=SYS_PTRACE)
  [[ $RUNTIME != runc ]] || ptrace=(--privileged)
  [[ -z $CLUSTERED ]] || network=(--network="$NETWORK")
  [[ -z $ROOTLESS_USER ]] || rootless=(--user "$ROOTLESS_USER" --dns=127.0.0.1)
  read -r -a volumes <<<"-v ${CONFIG}:${IN_CONTAINER}/etc/conf/kuscia.yaml -v ${DOMAIN_DATA_DIR}:${IN_CONTAINER}/var/storage/data \
-v ${DOMAIN_LOG_DIR}:${IN_CONTAINER}/var/stdout -v ${DOMAIN_IMAGE_WORK_DIR}:${IN_CONTAINER}/var/images"
  green "Starting container ${CTR} ..."
  HOST_IN_CONTAINER=$(generate_hostname)
  green "domain_hostname=${HOST_IN_CONTAINER}"
  [[ -z $CLUSTERED ]] || green "network=${NETWORK}"
  docker run -dit --name="$CTR" --hostname="$HOST_IN_CONTAINER" --restart=always "${network[@]}" "${memory[@]}" "${rootless[@]}" \
    -p "${DOMAIN_HOST_INTERNAL_PORT}:80" -p "${DOMAIN_HOST_PORT}:1080" -p "${KUSCIAAPI_HTTP_PORT}:8082" -p "${KUSCIAAPI_GRPC_PORT}:8083" \
    -p "${METRICS_PORT}:9091" "${ptrace[@]}" "${volumes[@]}" "${K3S_VOLUME[@]}" \
    "$KUSCIA_IMAGE" bin/kuscia start -c etc/conf/kuscia.yaml
}

import_builtin_images() {
  local found=''
  docker run --rm "$KUSCIA_IMAGE" ls -A "${IN_CONTAINER}/var/images" >/dev/null 2>&1 || true
  found=$(docker run --rm "$KUSCIA_IMAGE" ls -A "${IN_CONTAINER}/builtin-images" 2>/dev/null || true)
  [[ -z $found || $RUNTIME != runp ]] || docker exec -it "$CTR" kuscia image builtin "$found"
}

status_in_container() { docker exec -it "$CTR" curl -k -s -o /dev/null -w '%{http_code}' "$@" || true; }

probe_k3s() {
  local code
  for _ in {1..60}; do
    code=$(status_in_container https://127.0.0.1:6443)
    [[ $code -eq 200 || $code -eq 401 || $code -eq 404 ]] && return 0
    sleep 1
  done
  problem "[Error] Probe k3s in container '${CTR}' failed. Please check k3s log in container, path: ${IN_CONTAINER}/var/logs/k3s.log"
}

# Exactly one line may hold the name: a gateway object that is left over counts, and so does a longer name that contains it.
probe_gateway() {
  local count
  for _ in {1..60}; do
    count=$(docker exec -it "$CTR" kubectl get gateways -n "$DOMAIN_ID" | grep -c -i "$HOST_IN_CONTAINER" || true)
    [[ $count -eq 1 ]] && return 0
    sleep 1
  done
  problem "[Error] Probe gateway in namespace '${DOMAIN_ID}' failed. Please check envoy log in container, path: ${IN_CONTAINER}/var/logs/envoy"
}

probe_datamesh() {
  local code certs=${IN_CONTAINER}/var/certs
  for _ in {1..30}; do
    code=$(status_in_container https://127.0.0.1:8070/healthZ --cacert "$certs/ca.crt" --cert "$certs/ca.crt" --key "$certs/ca.key")
    [[ $code -eq 200 || $code -eq 401 || $code -eq 404 ]] && { green 'Probe datamesh successfully'; return 0; }
    sleep 1
  done
  problem "[Error] Probe datamesh in container '${CTR}' failed. Please check datamesh log in container, path: ${IN_CONTAINER}/var/logs/datamesh.log"
}

import_engine_image() {
  if [[ $IMPORT_SF_IMAGE == none ]]; then
    green 'skip importing sf image'
    return 0
  fi
  docker run --rm "$KUSCIA_IMAGE" cat "${IN_CONTAINER}/scripts/deploy/register_app_image.sh" >"${DOMAIN_WORK_DIR}/register_app_image.sh"
  bash "${DOMAIN_WORK_DIR}/register_app_image.sh" -c "$CTR" -i "$SECRETFLOW_IMAGE" --import
}

register_engine() {
  docker exec -it "$CTR" scripts/deploy/register_app_image.sh -i "$SECRETFLOW_IMAGE" -m
  green 'Create secretflow app image done'
}

read_options() {
  local -a short=()
  local option
  while [[ $# -gt 0 ]]; do
    case $1 in
      --cluster) CLUSTERED=1 ;;
      --rootless) ROOTLESS=1 ;;
      --data-proxy) dataproxy=1 ;;
      --memory-limit=*) MEMORY_LIMIT=${1#*=} ;;
      --expose-ports=*) EXPOSE_PORTS=${1#*=} ;;
      *) short+=("$1") ;;
    esac
    shift
  done
  export EXPOSE_PORTS dataproxy
  set -- "${short[@]}"
  while getopts ':c:p:q:k:g:x:m:a:d:l:s:P:h' option; do
    case $option in
      c) CONFIG=$OPTARG ;;
      p) DOMAIN_HOST_PORT=$OPTARG ;;
      q) DOMAIN_HOST_INTERNAL_PORT=$OPTARG ;;
      k) KUSCIAAPI_HTTP_PORT=$OPTARG ;;
      g) KUSCIAAPI_GRPC_PORT=$OPTARG ;;
      x) METRICS_PORT=$OPTARG ;;
      m) MEMORY_LIMIT=$OPTARG ;;
      a) IMPORT_SF_IMAGE=$OPTARG ;;
      d) DOMAIN_DATA_DIR=$OPTARG ;;
      l) DOMAIN_LOG_DIR=$OPTARG ;;
      s) DOMAIN_K3S_DB_DIR=$OPTARG ;;
      P) case ${OPTARG,,} in notls | tls | mtls) ;; *) usage; exit 0 ;; esac ;;
      h) usage; exit 0 ;;
      :) problem "option requires an argument: -${OPTARG}" ;;
      *) problem "illegal option: -${OPTARG}" ;;
    esac
  done
}

start() {
  read_options "$@"
  [[ -n $CONFIG ]] || { usage; exit 1; }
  [[ $CONFIG == /* ]] || CONFIG=$PWD/${CONFIG#./}
  read_config
  if [[ -n $CLUSTERED && $RUNTIME == runc ]]; then
    red ' runc runtime configuration is not supported in kuscia cluster network mode. '
    exit 1
  fi
  allow_privileged
  [[ -n $DOMAIN_HOST_PORT ]] || problem 'empty domain host port'

  CTR=${USER}-kuscia-${MODE}-${DOMAIN_ID}
  DOMAIN_WORK_DIR=${ROOT}/${CTR}
  if [[ -n $ROOTLESS && $(id -u) != 0 && $RUNTIME != runc ]]; then
    DOMAIN_WORK_DIR+=-rootless
    ROOTLESS_USER="$(id -u):kuscia"
  fi
  DOMAIN_DATA_DIR=${DOMAIN_DATA_DIR:-$DOMAIN_WORK_DIR/data}
  DOMAIN_LOG_DIR=${DOMAIN_LOG_DIR:-$DOMAIN_WORK_DIR/logs}
  DOMAIN_IMAGE_WORK_DIR=$DOMAIN_WORK_DIR/images
  DOMAIN_K3S_DB_DIR=${DOMAIN_K3S_DB_DIR:-$DOMAIN_WORK_DIR/k3s}
  DOMAIN_HOST_INTERNAL_PORT=${DOMAIN_HOST_INTERNAL_PORT:-13081}
  KUSCIAAPI_HTTP_PORT=${KUSCIAAPI_HTTP_PORT:-13082}
  KUSCIAAPI_GRPC_PORT=${KUSCIAAPI_GRPC_PORT:-13083}
  METRICS_PORT=${METRICS_PORT:-13084}
  case $MODE in master) MEMORY_LIMIT=${MEMORY_LIMIT:-2GiB} ;; lite) MEMORY_LIMIT=${MEMORY_LIMIT:-4GiB} ;; *) MEMORY_LIMIT=${MEMORY_LIMIT:-6GiB} ;; esac

  local name directory
  for name in ROOT DOMAIN_ID DOMAIN_WORK_DIR DOMAIN_LOG_DIR DOMAIN_DATA_DIR DOMAIN_IMAGE_WORK_DIR DOMAIN_K3S_DB_DIR DOMAIN_HOST_PORT \
    DOMAIN_HOST_INTERNAL_PORT KUSCIAAPI_HTTP_PORT KUSCIAAPI_GRPC_PORT METRICS_PORT KUSCIA_IMAGE SECRETFLOW_IMAGE; do
    green "$name=${!name}"
  done
  for directory in "$DOMAIN_WORK_DIR" "$DOMAIN_IMAGE_WORK_DIR" "$DOMAIN_DATA_DIR" "$DOMAIN_LOG_DIR"; do make_directory "$directory"; done

  docker image inspect "$KUSCIA_IMAGE" >/dev/null 2>&1 || docker pull "$KUSCIA_IMAGE"
  [[ -z $CLUSTERED ]] || check_network
  ask_to_recreate
  ask_about_k3s_data
  run_container
  import_builtin_images
  probe_k3s
  probe_gateway
  probe_datamesh
  import_engine_image
  register_engine
  green "${MODE} domain '${DOMAIN_ID}' deployed successfully"
}

# The container is gone before the flags turn out to be unusable: an empty one among them is taken for the image.
upgrade() {
  local old=$1 image privileged_flag='' user_flag=''
  [[ -n $old ]] || { usage; exit 1; }
  image=$KUSCIA_IMAGE
  docker inspect "$old" >/dev/null || exit $?
  docker rm -f "$old"
  docker run -dit"${privileged_flag}" "${user_flag}" --name="$old" --restart=always "$image" bin/kuscia start -c etc/conf/kuscia.yaml
}

case $1 in
  start) shift; start "$@" ;;
  upgrade) shift; upgrade "$@" ;;
  -h | --help | help | '') usage ;;
  *) usage; exit 1 ;;
esac
