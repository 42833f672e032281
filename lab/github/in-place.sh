#!/bin/bash --norc
# Stands first on the PATH of a workflow's jobs, as bash and as node: what a job with a host's label runs (LAB_LABELS, its runs-on as JSON) runs in that host, all else in the runner place.
program=${0##*/}
# GitHub's runner leaves these empty in the run steps of a composite; act sets them, and would hide that.
[[ $program != bash ]] || unset GITHUB_ACTION_REPOSITORY GITHUB_ACTION_REF
place=
for label in $(tr -d '[]",' <<<"${LAB_LABELS:-ubuntu-latest}"); do
  case $label in
    ubuntu-latest | self-hosted) ;;
    *) [[ -z $place && -e ${LAB_GITHUB:?}/hosts/$label ]] || { echo "no runner has the labels $LAB_LABELS" >&2; exit 1; }
      place=$label ;;
  esac
done
if [[ -z $place ]]; then
  export PATH=${LAB_RUNNER_PATH:?}
  exec "$program" "$@"
fi
init=$(<"$LAB_GITHUB/hosts/$place") || exit 1
exec nsenter --target="$init" --mount --uts --ipc --net --pid setpriv --pdeathsig=TERM \
  env --chdir="$PWD" PATH=/opt/kuscia-swarm/node_modules/node/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root USER=root LOGNAME=root "$program" "$@"
