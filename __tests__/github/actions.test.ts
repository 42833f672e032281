import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { JOBS, type JobInput, type JobName, type Texts } from '../../src/github/catalogue.ts';
import { ACTION_VARIABLES } from '../../src/report/failures.ts';
import { readRequest, tokenIn } from '../../src/github/request.ts';

interface Action {
  readonly inputs: Readonly<Record<string, { readonly required: boolean; readonly default?: string }>>;
  readonly outputs: Readonly<Record<string, { readonly value: string }>>;
  readonly runs: { readonly using: string; readonly steps: readonly unknown[] };
}

const actionOf = (name: string): Action =>
  parse(readFileSync(join(import.meta.dirname, '../../actions', name, 'action.yml'), 'utf8')) as Action;

/** The inputs that are read for each job. */
function inputsRead(job: JobName): string[] {
  const read = new Set<string>();
  const env = new Proxy<Record<string, string | undefined>>(
    { INPUT_DO: job },
    {
      get(target, name: string) {
        read.add(name.replace('INPUT_', '').toLowerCase());
        return target[name];
      },
    },
  );
  expect(() => readRequest(env)).toThrow();
  tokenIn(env);
  read.delete('do');
  return [...read].sort();
}

describe.each(Object.keys(JOBS) as JobName[])('the action of the job %s', (job) => {
  const { action, inputs: known, outputs: told } = JOBS[job];
  const { inputs, outputs, runs } = actionOf(action);

  test('has one step in bash, which passes on every input and interpolates nothing into the script', () => {
    const given = Object.fromEntries(
      Object.keys(known).map((name) => [`INPUT_${name.toUpperCase()}`, `\${{ inputs.${name} }}`]),
    );
    expect(runs).toEqual({
      using: 'composite',
      steps: [
        {
          id: 'say',
          shell: 'bash',
          run: 'exec bash "$GITHUB_ACTION_PATH/../run.sh" "$GITHUB_ACTION_PATH/../../dist/github.cjs"',
          env: { ...ACTION_VARIABLES, INPUT_DO: job, ...given },
        },
      ],
    });
  });

  test('takes exactly the inputs that are read, requires those always needed, and uses the job’s own token by default', () => {
    expect(inputsRead(job)).toEqual(Object.keys(known).sort());
    expect(Object.keys(inputs)).toEqual(Object.keys(known));
    expect(inputs['token']?.default).toBe('${{ github.token }}');
    const needed = Object.entries<JobInput>(known).filter(([, { needed: when }]) => when?.english === 'always');
    expect(
      Object.entries(inputs)
        .filter(([, { required }]) => required)
        .map(([name]) => name),
    ).toEqual(needed.map(([name]) => name));
  });

  test('gives the outputs of the catalogue', () =>
    expect(outputs).toEqual(
      Object.fromEntries(
        Object.entries<Texts>(told).map(([name, { english }]) => [
          name,
          { description: english, value: `\${{ steps.say.outputs.${name} }}` },
        ]),
      ),
    ));
});
