import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

// Answers as observed from the engine; the files beside it give the state of the host. `exec -it` requires a terminal.
const docker = `#!/bin/bash
here=$(dirname "$0")/../state
{ printf '%s\\037' "$@"; echo; } >>"$here/calls"
refuse() { echo "docker: Error response from daemon: $1" >&2; printf "\\nRun 'docker run --help' for more information\\n" >&2; exit 125; }
case "$1 $2" in
  'image inspect') [[ " $(cat "$here/images") " == *" $3 "* ]] ;;
  'pull '*) echo "Error response from daemon: Get https://registry/v2/: network is unreachable" >&2; exit 1 ;;
  'network ls') cat "$here/listed" 2>/dev/null || true ;;
  'network inspect') cat "$here/network" 2>/dev/null || { echo "Error response from daemon: network $3 not found" >&2; exit 1; } ;;
  'ps -a') cat "$here/container" 2>/dev/null || true ;;
  'rm -f') echo "$3"; [[ $3 == helper-id ]] || rm -f "$here/container" ;;
  'inspect '*) true ;;
  'run -dit')
    for word in "$@"; do [[ $word != --name=-* ]] || refuse "Invalid container name (\${word#--name=}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"; done
    for word in "$@"; do [[ -n $word ]] || { printf 'docker: invalid reference format\\n\\n' >&2; echo "Run 'docker run --help' for more information" >&2; exit 125; }; done
    if [[ " $* " == *' --rm '* ]]; then
      [[ ! -e $here/refused ]] || refuse "$(cat "$here/refused")"
      echo helper-id
    else
      echo container-id >"$here/container"
      cat "$here/container"
      [[ ! -e $here/start-error ]] || refuse "$(cat "$here/start-error")"
    fi ;;
  'run --rm') [[ $4 != cat ]] || cat "$(cat "$here/scripts")/$(basename "$5")" ;;
  'exec -it')
    [[ -e $here/terminal ]] || { echo 'the input device is not a TTY' >&2; exit 1; }
    case "$*" in
      *6443*) [[ ! -e $here/restarting ]] || { echo "Error response from daemon: Container id is restarting, wait until the container is running" >&2; exit 1; }; echo -n 401 ;;
      *8070*) echo -n 404 ;;
      *'get gateways'*) cat "$here/gateways" ;;
      *register_app_image.sh*) printf 'appimage.kuscia.secretflow/secretflow-image created\\nappimage.kuscia.secretflow/secretflow-nsjail-image created\\n' ;;
    esac ;;
esac
`;
const overlay = '[{ "Driver": "overlay", "IPAM": { "Driver": "default" }, "Attachable": true }]';
const script = fileURLToPath(
  new URL('../../lab/images/kuscia/rootfs/home/kuscia/scripts/deploy/kuscia.sh', import.meta.url),
);

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A host with a stubbed engine, on which kuscia.sh can be run; its files under `root` are real. */
export interface StubHost {
  readonly root: string;
  /** Sets a file of the host's state, or takes it away. */
  state(name: string, text: string | undefined): void;
  run(args: readonly string[], options?: { stdin?: string; env?: Record<string, string | undefined> }): Ended;
  /** The argument lists with which docker was called. */
  calls(): string[][];
  sleeps(): number;
}

/** A worker named node-02 where nothing was deployed yet, with a terminal; sleeping takes no time. */
export function stubHost(config: string): StubHost {
  const folder = mkdtempSync(join(tmpdir(), 'kuscia-sh-'));
  const root = join(folder, 'root');
  for (const name of ['bin', 'state', 'root']) mkdirSync(join(folder, name));
  const program = (name: string, text: string): void => {
    writeFileSync(join(folder, 'bin', name), text);
    chmodSync(join(folder, 'bin', name), 0o755);
  };
  program('docker', docker);
  program('hostname', '#!/bin/bash\ncat "$(dirname "$0")/../state/hostname"\n');
  program('sleep', '#!/bin/bash\necho "$1" >>"$(dirname "$0")/../state/sleeps"\n');
  const state = (name: string, text: string | undefined): void => {
    if (text === undefined) spawnSync('rm', ['-f', join(folder, 'state', name)]);
    else writeFileSync(join(folder, 'state', name), text);
  };
  state('images', 'secretflow/kuscia:1.1.0b0');
  state('scripts', dirname(script));
  state('hostname', 'node-02\n');
  state('network', overlay);
  state('terminal', '');
  state('gateways', 'NAME\nroot-kuscia-autonomy-alice-node-02   x\n');
  writeFileSync(join(root, 'autonomy_alice.yaml'), config);
  const lines = (name: string): string[] =>
    existsSync(join(folder, 'state', name))
      ? readFileSync(join(folder, 'state', name), 'utf8')
          .trimEnd()
          .split('\n')
      : [];
  return {
    root,
    state,
    calls: () => lines('calls').map((line) => line.split('\u001f').slice(0, -1)),
    sleeps: () => lines('sleeps').length,
    run: (args, { stdin = '', env = {} } = {}) => {
      const all = {
        PATH: `${join(folder, 'bin')}:/usr/bin:/bin`,
        HOME: root,
        USER: 'root',
        KUSCIA_IMAGE: 'secretflow/kuscia:1.1.0b0',
        ...env,
      };
      const { status, stdout, stderr } = spawnSync('bash', [script, ...args], {
        cwd: root,
        env: all,
        input: stdin,
        encoding: 'utf8',
        timeout: 30_000,
      });
      return { code: status, stdout: stdout.replaceAll(root, '/root'), stderr: stderr.replaceAll(root, '/root') };
    },
  };
}
