import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

const script = join(import.meta.dirname, '../../actions/run.sh');
const TOOLS = ['bash', 'readlink', 'sed'];

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'run-'));
  mkdirSync(join(folder, 'tools'));
  for (const tool of TOOLS) symlinkSync(found(tool), join(folder, 'tools', tool));
});
afterEach(() => rmSync(folder, { recursive: true }));

function found(program: string): string {
  const path = (process.env['PATH'] ?? '').split(delimiter).map((part) => join(part, program));
  const first = path.find((candidate) => spawnSync('test', ['-x', candidate]).status === 0);
  if (first === undefined) throw new Error(`no ${program} on PATH`);
  return first;
}

/** A program that claims to be that Node, and prints its arguments. */
function node(version: string, ...path: string[]): void {
  const file = join(folder, ...path);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(
    file,
    `#!${found('bash')}\nif [[ $1 == --version ]]; then echo ${version}; else echo "${path.join('/')} runs $1 with stage $INPUT_STAGE"; exit 7; fi\n`,
  );
  chmodSync(file, 0o755);
}

interface Ran {
  readonly status: number | null;
  readonly said: string;
}

/** Runs the script as a runner's step does: no more on PATH than it needs, and `also`. `under` is the program that is its parent. */
function ran({
  also = [],
  env = {},
  under,
}: { also?: string[]; env?: Record<string, string>; under?: string } = {}): Ran {
  const PATH = ['tools', ...also].map((part) => join(folder, part)).join(delimiter);
  const own = [script, 'bundle.cjs'];
  // The echo keeps the parent from becoming its child.
  const [program, args] =
    under === undefined
      ? [join(folder, 'tools/bash'), own]
      : [join(folder, under), ['-c', '"$@"; code=$?; echo ended; exit $code', 'bash', 'bash', ...own]];
  const { status, stdout, stderr } = spawnSync(program, args, {
    encoding: 'utf8',
    env: { PATH, INPUT_STAGE: 'swarm-init', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 20_000,
  });
  return { status, said: stdout + stderr };
}

describe('actions/run.sh finds a Node that the bundle can run on', () => {
  test('on PATH; its exit code is the step’s', () => {
    node('v24.1.0', 'bin/node');
    expect(ran({ also: ['bin'] })).toEqual({ status: 7, said: 'bin/node runs bundle.cjs with stage swarm-init\n' });
  });

  test('on PATH after one that is too old', () => {
    node('v20.20.2', 'old/node');
    node('v26.0.0', 'new/node');
    expect(ran({ also: ['old', 'new'] }).said).toContain('new/node runs bundle.cjs');
  });

  test('in the folder of the runner beside its temporary files, if PATH has an old one', () => {
    node('v20.20.2', 'bin/node');
    node('v20.20.2', 'runner/externals/node20/bin/node');
    node('v24.19.0', 'runner/externals/node24/bin/node');
    expect(ran({ also: ['bin'], env: { RUNNER_TEMP: join(folder, 'runner/_work/_temp') } }).said).toContain(
      'runner/externals/node24/bin/node runs bundle.cjs',
    );
  });

  test.each(['bin', 'bin.2.336.0'])(
    'in the folder of the runner that is its parent process (%s), with its work folder elsewhere',
    (bin) => {
      node('v24.19.0', 'runner/externals/node24/bin/node');
      mkdirSync(join(folder, 'runner', bin));
      copyFileSync(found('bash'), join(folder, 'runner', bin, 'Runner.Worker'));
      expect(ran({ under: `runner/${bin}/Runner.Worker`, env: { RUNNER_TEMP: '/elsewhere/_work/_temp' } })).toEqual({
        status: 7,
        said: 'runner/externals/node24/bin/node runs bundle.cjs with stage swarm-init\nended\n',
      });
    },
  );

  test('but not one that does not start, such as one for another C library', () => {
    node('v24.19.0', 'runner/externals/node24_alpine/bin/node');
    mkdirSync(join(folder, 'runner/externals/node24/bin'), { recursive: true });
    writeFileSync(join(folder, 'runner/externals/node24/bin/node'), '#!/no/such/loader\n', { mode: 0o755 });
    expect(ran({ env: { RUNNER_TEMP: join(folder, 'runner/_work/_temp') } }).said).toContain(
      'node24_alpine/bin/node runs',
    );
  });
});

describe('actions/run.sh says what to do', () => {
  test.each([
    ['if there is no Node', [], ''],
    ['if all are too old', ['bin'], ' (node there is v20.20.2)'],
  ])('%s', (_, also, there) => {
    node('v20.20.2', 'bin/node');
    node('v20.20.2', 'runner/externals/node20/bin/node');
    expect(ran({ also, env: { RUNNER_TEMP: join(folder, 'runner/_work/_temp') } })).toEqual({
      status: 1,
      said: `::error title=kuscia-swarm needs Node 24::No Node 24 or newer was found on PATH${there} or in the runner's folder externals. Add actions/setup-node with node-version: 24 before this step, or install runner 2.327.1 or newer, which includes it.\n`,
    });
  });

  test('if mode is verify, which would skip the stage', () => {
    node('v24.1.0', 'bin/node');
    const refused = ran({ also: ['bin'], env: { INPUT_MODE: ' verify ' } });
    expect(refused).toEqual({
      status: 1,
      said: '::error title=kuscia-swarm swarm-init::mode must be apply or plan, not verify. To verify a deployment, use the action actions/verify.\n',
    });
    expect(ran({ also: ['bin'], env: { INPUT_MODE: 'verify', INPUT_STAGE: 'verify' } }).status).toBe(7);
  });
});

test('shellcheck, if installed, finds nothing in actions/run.sh', () => {
  const { status, stdout, error } = spawnSync('shellcheck', [script], { encoding: 'utf8' });
  if (error !== undefined) expect((error as NodeJS.ErrnoException).code).toBe('ENOENT');
  else expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
});
