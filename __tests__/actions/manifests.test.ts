import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { INPUT_LIST, inputVariable, OUTPUTS } from '../../src/inputs/catalogue.ts';
import { STAGES } from '../../src/stages/names.ts';

const root = join(import.meta.dirname, '../..');

interface Step {
  readonly id?: string;
  readonly uses?: string;
  readonly run?: string;
  readonly shell?: string;
  readonly env?: Readonly<Record<string, string>>;
}

interface Action {
  readonly inputs: Readonly<Record<string, { readonly required: boolean; readonly default?: string }>>;
  readonly outputs: Readonly<Record<string, { readonly value: string }>>;
  readonly runs: { readonly using: string; readonly steps: readonly Step[] };
}

interface Workflow {
  readonly permissions?: unknown;
  readonly jobs: Readonly<Record<string, { readonly 'timeout-minutes'?: number; readonly permissions?: unknown; readonly uses?: string; readonly steps?: readonly Step[] }>>;
}

const read = (path: string): unknown => parse(readFileSync(join(root, path), 'utf8'));
const actionOf = (stage: string): Action => read(`actions/${stage}/action.yml`) as Action;
const WORKFLOWS = readdirSync(join(root, '.github/workflows')).map((name) => `.github/workflows/${name}`);

test('each stage is an action, and nothing else is one', () => {
  const folders = readdirSync(join(root, 'actions'), { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
  expect(folders.sort()).toEqual([...STAGES].sort());
});

describe.each(STAGES)('actions/%s', (stage) => {
  const { inputs, outputs, runs } = actionOf(stage);
  const env = runs.steps[0]?.env ?? {};

  test('is one step in bash, which runs the one bundle and splices nothing', () => {
    expect(runs.using).toBe('composite');
    expect(runs.steps).toEqual([{ id: 'stage', shell: 'bash', run: 'exec bash "$GITHUB_ACTION_PATH/../run.sh" "$GITHUB_ACTION_PATH/../../dist/index.cjs"', env }]);
  });

  test('takes every input that its stage may need, as the catalogue has it', () => {
    const without = ['stage', ...(stage === 'verify' ? ['mode'] : []), ...(stage === 'kuscia-init' ? [] : ['kuscia-config']), ...(stage === 'network-create' ? [] : ['repair'])];
    const wanted = INPUT_LIST.filter(({ name }) => !without.includes(name));
    expect(Object.entries(inputs).map(([name, input]) => [name, input.required, input.default])).toEqual(
      wanted.map((input) => [input.name, input.needed?.english === 'always', 'default' in input ? input.default : undefined]),
    );
  });

  test('hands each of them over, and its own stage', () => {
    const given = Object.fromEntries(INPUT_LIST.flatMap(({ name }) => (name in inputs ? [[inputVariable(name), `\${{ inputs.${name} }}`]] : [])));
    expect(env).toEqual({ ...given, INPUT_STAGE: stage, ...(stage === 'verify' && { INPUT_MODE: 'verify' }) });
  });

  test('maps outputs that the bundle has', () => {
    const expected: Readonly<Record<string, string[]>> = { verify: ['verify', 'load-balancer-url'], 'nginx-lb': ['changed', 'plan', 'load-balancer-url'] };
    expect(Object.keys(outputs)).toEqual(expected[stage] ?? ['changed', 'plan']);
    for (const [name, { value }] of Object.entries(outputs)) {
      expect(Object.keys(OUTPUTS)).toContain(name);
      expect(value).toBe(`\${{ steps.stage.outputs.${name} }}`);
    }
  });
});

describe('every step of every action and workflow', () => {
  const steps = [
    ...STAGES.flatMap((stage) => actionOf(stage).runs.steps.map((step) => ({ where: `actions/${stage}`, step }))),
    ...WORKFLOWS.flatMap((where) => Object.values((read(where) as Workflow).jobs).flatMap((job) => (job.steps ?? []).map((step) => ({ where, step })))),
  ];

  test('has no expression in what a shell runs', () => {
    expect(steps.length).toBeGreaterThan(STAGES.length);
    expect(steps.filter(({ step }) => step.run?.includes('${{'))).toEqual([]);
  });

  test('uses nothing from the folder of whoever calls', () => {
    expect(steps.filter(({ step }) => step.uses?.startsWith('./'))).toEqual([]);
  });

  test('uses other people’s actions by a full commit, with the version beside it', () => {
    const used = [...WORKFLOWS, ...STAGES.map((stage) => `actions/${stage}/action.yml`)].flatMap((path) =>
      readFileSync(join(root, path), 'utf8').split('\n').flatMap((line) => {
        const named = /^\s*(?:- )?uses:\s*(.+)$/.exec(line)?.[1];
        return named === undefined || named.startsWith('$/') ? [] : [`${path}: ${named}`];
      }),
    );
    expect(used.length).toBeGreaterThanOrEqual(7);
    expect(used.filter((line) => !/: [\w.-]+\/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line))).toEqual([]);
  });
});

describe.each(WORKFLOWS)('%s', (path) => {
  const workflow = read(path) as Workflow;

  test('grants nothing that a job does not ask for, and ends in time', () => {
    expect(workflow.permissions).toEqual({});
    for (const job of Object.values(workflow.jobs)) {
      expect(job.permissions).toEqual(expect.objectContaining({ contents: 'read' }));
      expect(job.uses === undefined ? job['timeout-minutes'] : 1).toBeGreaterThan(0);
    }
  });
});
