#!/bin/bash --norc
# Stands first on the PATH of a workflow's jobs, as bash and as node: a job that says where it sits (KUSCIA_SWARM_HERE) runs in that host, any other in the runner place.
program=${0##*/}
if [[ -z ${KUSCIA_SWARM_HERE:-} ]]; then
  export PATH=${LAB_RUNNER_PATH:?}
  exec "$program" "$@"
fi
init=$(<"${LAB_GITHUB:?}/hosts/$KUSCIA_SWARM_HERE") || exit 1
exec nsenter --target="$init" --mount --uts --ipc --net --pid setpriv --pdeathsig=TERM \
  env --chdir="$PWD" PATH=/opt/kuscia-swarm/node_modules/node/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root USER=root LOGNAME=root "$program" "$@"
