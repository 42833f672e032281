#!/usr/bin/env bash
# run.sh BUNDLE: runs the bundle with Node 24 or newer, from PATH or else from the runner that runs this step. The bundle reads its inputs from the environment.
set -euo pipefail

oldest=24

# Whether a program is a Node that can run the bundle.
fits() {
  [[ $("$1" --version 2>/dev/null) =~ ^v([0-9]+)\. ]] && ((BASH_REMATCH[1] >= oldest))
}

# The folders in which the runner may be installed, one per line: those of its programs among this process's parents, and the usual one for its temporary folder.
runner_folders() {
  local process=$$ program
  while ((process > 1)); do
    program=$(readlink "/proc/$process/exe") || program=
    # An update leaves bin.2.336.0 beside a link bin.
    if [[ $program =~ ^(.+)/bin[^/]*/Runner\.[^/]+$ ]]; then printf '%s\n' "${BASH_REMATCH[1]}"; fi
    process=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$process/status") || process=
    process=${process:-0}
  done 2>/dev/null
  if [[ ${RUNNER_TEMP:-} =~ ^(/.+)/[^/]+/[^/]+$ ]]; then printf '%s\n' "${BASH_REMATCH[1]}"; fi
}

# Every Node found, those on PATH first.
nodes() {
  local folder
  type -aP node || true
  while read -r folder; do
    compgen -G "$folder/externals/node*/bin/node" || true
  done < <(runner_folders)
}

if [[ ${INPUT_MODE:-} =~ ^[[:space:]]*verify[[:space:]]*$ && ${INPUT_STAGE:-} != verify ]]; then
  echo "::error title=kuscia-swarm $INPUT_STAGE::mode must be apply or plan, not verify. To verify a deployment, use the action actions/verify."
  exit 1
fi

while read -r node; do
  if fits "$node"; then exec "$node" "$1"; fi
done < <(nodes)

echo "::error title=kuscia-swarm needs Node $oldest::No Node $oldest or newer was found on PATH$(node=$(type -P node) && printf ' (node there is %s)' "$("$node" --version 2>&1 || true)") or in the runner's folder externals. Add actions/setup-node with node-version: $oldest before this step, or install runner 2.327.1 or newer, which includes it."
exit 1
