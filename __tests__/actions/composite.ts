import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { paths, run } from '../../lab/lab.ts';

/** An action.yml as far as a runner of composites reads it. */
interface Composite {
  readonly inputs: Readonly<Record<string, { readonly default?: string }>>;
  readonly outputs?: Readonly<Record<string, { readonly value: string }>>;
  readonly runs: {
    readonly steps: readonly {
      readonly id?: string;
      readonly run: string;
      readonly env: Readonly<Record<string, string>>;
    }[];
  };
}

/** The log and the outputs of a composite. */
export interface CompositeRun {
  readonly code: number | null;
  /** Both streams. */
  readonly log: string;
  /** As action.yml maps them. */
  readonly outputs: Readonly<Record<string, string>>;
}

/** Runs actions/<name> in the lab's runner place as a self-hosted runner does: with the inputs by action.yml's `env`, and a Node 24 only in the runner's own folder. */
export async function composite(name: string, inputs: Readonly<Record<string, string>>): Promise<CompositeRun> {
  const path = join(paths.repository, 'actions', name);
  const action = parse(readFileSync(join(path, 'action.yml'), 'utf8')) as Composite;
  const step = action.runs.steps.find(({ id }) => id === 'stage');
  const unknown = Object.keys(inputs).filter((input) => !(input in action.inputs));
  if (step === undefined || unknown.length > 0)
    throw new Error(`actions/${name} has no step, or no input ${unknown.join(', ')}`);
  const folder = mkdtempSync(join(tmpdir(), 'composite-'));
  try {
    const temp = runnerIn(folder);
    const file = (of: string, text = ''): string => {
      writeFileSync(join(temp, of), text);
      return join(temp, of);
    };
    const output = file('output');
    const env = {
      ...filled(step.env, (expression) => given(action, inputs, expression)),
      PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
      // A separate home, so that a developer's .bashrc has no influence.
      HOME: temp,
      ...{ GITHUB_ACTIONS: 'true', GITHUB_ACTION_PATH: path, GITHUB_WORKSPACE: paths.repository, RUNNER_TEMP: temp },
      ...{
        GITHUB_OUTPUT: output,
        GITHUB_STEP_SUMMARY: file('summary'),
        GITHUB_ENV: file('env'),
        GITHUB_STATE: file('state'),
      },
    };
    const { code, stdout, stderr } = await run(
      ['bash', '--noprofile', '--norc', '-eo', 'pipefail', file('step.sh', step.run)],
      { env, timeoutMs: 300_000 },
    );
    const own = written(readFileSync(output, 'utf8'));
    const values = Object.fromEntries(Object.entries(action.outputs ?? {}).map(([of, { value }]) => [of, value]));
    return {
      code,
      log: stdout + stderr,
      outputs: filled(values, (expression) => own[expression.replace('steps.stage.outputs.', '')] ?? ''),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A runner's folder with the Node that it brings along; gives its folder for temporary files. */
function runnerIn(folder: string): string {
  const temp = join(folder, '_work/_temp');
  mkdirSync(temp, { recursive: true });
  mkdirSync(join(folder, 'externals/node24/bin'), { recursive: true });
  symlinkSync(join(paths.repository, 'node_modules/node/bin/node'), join(folder, 'externals/node24/bin/node'));
  return temp;
}

const filled = (
  values: Readonly<Record<string, string>>,
  evaluate: (expression: string) => string,
): Record<string, string> =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      value.replace(/\$\{\{ (.+?) \}\}/g, (_, expression: string) => evaluate(expression)),
    ]),
  );

function given({ inputs: known }: Composite, inputs: Readonly<Record<string, string>>, expression: string): string {
  // That it is a composite of a repository is of no matter here.
  if (/^github\.action_/.test(expression)) return '';
  // Without artifacts there are no folders for them.
  if (/^inputs\.(artifacts|seal-key) && |^steps\.fetch\.outcome$/.test(expression)) return '';
  const name = expression.replace(/^inputs\./, '');
  if (!(name in known)) throw new Error(`${expression} is no input`);
  return inputs[name] ?? known[name]?.default ?? '';
}

/** GITHUB_OUTPUT as the runner reads it: name<<delimiter, lines, delimiter. */
const written = (text: string): Record<string, string> =>
  Object.fromEntries(
    [...text.matchAll(/^(\S+)<<(\S+)\n([\s\S]*?)\n\2$/gm)].map(([, name = '', , value = '']) => [name, value]),
  );
