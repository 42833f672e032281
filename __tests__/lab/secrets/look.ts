import { paths, run, sshTo } from '../../../lab/lab.ts';
import { CLUSTER, usualInputs } from './runs.ts';
import type { Given } from './secrets.ts';

/** The output of a snapshot on a host, and every file that it left there, including the sealed snapshot. */
export interface Look {
  readonly code: number | null;
  readonly log: string;
  readonly left: ReadonlyMap<string, Buffer>;
}

const AT = paths.repositoryInHost;
export const BUNDLE = `${AT}/dist/index.cjs`;

/** Starts the bundle with the environment from standard input, as a runner does: the runner's own environment is not secret. */
const RUNNER = `const { readFileSync } = require('node:fs');
const at = process.cwd();
const env = { PATH: process.env.PATH, HOME: process.env.HOME, USER: process.env.USER, ...JSON.parse(readFileSync(0, 'utf8')), GITHUB_WORKSPACE: at, RUNNER_TEMP: at, GITHUB_OUTPUT: at + '/output', GITHUB_STEP_SUMMARY: at + '/summary' };
process.exit(require('node:child_process').spawnSync(process.execPath, ['${BUNDLE}'], { env, stdio: ['ignore', 'inherit', 'inherit'] }).status ?? 70);`;

/** Takes a snapshot by the runner on a host, as with runners on all hosts: no SSH, no SSH key, and a sealed snapshot for other jobs. Started through the host's sshd, so that everything is recorded. */
export async function lookOn(host: string, given: Given, certificate: string): Promise<Look> {
  const inputs = {
    ...usualInputs(given, certificate),
    mode: 'snapshot',
    cluster: CLUSTER.replaceAll('{ address:', '{ via: local, address:'),
    here: host,
    'artifacts-out': 'out',
    'logs-out': 'logs',
  };
  const env = {
    GITHUB_ACTIONS: 'true',
    GITHUB_REPOSITORY: 'acme/clusters',
    GITHUB_RUN_ID: '72',
    GITHUB_RUN_ATTEMPT: '1',
    ...Object.fromEntries(Object.entries(inputs).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value])),
  };
  const script = `d=$(mktemp -d) && cd "$d" && touch output summary
${AT}/node_modules/node/bin/node -e "$(cat <<'END'
${RUNNER}
END
)" <<'END' 2>&1
${JSON.stringify(env)}
END
code=$?
find . -type f | while read -r file; do printf '\\n@@%s\\n' "$file"; base64 "$file"; done
cd / && rm -r "$d"; exit $code
`;
  const { code, stdout, stderr } = await run(sshTo(host, ['sh', '-s'], 'deploy'), { stdin: script, timeoutMs: 60_000 });
  const [log = '', ...files] = stdout.split('\n@@');
  return {
    code,
    log: log + stderr,
    left: new Map(
      files.map((file) => [file.slice(0, file.indexOf('\n')), Buffer.from(file.slice(file.indexOf('\n')), 'base64')]),
    ),
  };
}
