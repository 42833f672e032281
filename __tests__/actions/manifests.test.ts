import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { ACTIONS } from '../../scripts/generate/stage-pages.ts';
import { CHECK_OUTPUTS, INPUT_LIST, inputVariable, OUTPUTS } from '../../src/inputs/catalogue.ts';
import { ACTION_VARIABLES } from '../../src/report/failures.ts';
import { STAGES } from '../../src/stages/index.ts';

const root = join(import.meta.dirname, '../..');

interface Step {
  readonly 'continue-on-error'?: boolean;
  readonly id?: string;
  readonly uses?: string;
  readonly run?: string;
  readonly shell?: string;
  readonly if?: string;
  readonly with?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
}

interface Action {
  readonly inputs: Readonly<Record<string, { readonly required: boolean; readonly default?: string }>>;
  readonly outputs?: Readonly<Record<string, { readonly value: string }>>;
  readonly runs: { readonly using: string; readonly steps: readonly Step[] };
}

const read = (path: string): unknown => parse(readFileSync(join(root, path), 'utf8'));
const actionOf = (action: string): Action => read(`actions/${action}/action.yml`) as Action;

const OTHERS = ['report-health', 'clean-up', 'check-approval', 'comment-plan'];

test('each stage is an action, and so are the operations that jobs need around them; nothing else is', () => {
  const folders = readdirSync(join(root, 'actions'), { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? [entry.name] : [],
  );
  expect(folders.filter((name) => !OTHERS.includes(name)).sort()).toEqual([...ACTIONS].sort());
});

const BUNDLE = 'exec bash "$GITHUB_ACTION_PATH/../run.sh" "$GITHUB_ACTION_PATH/../../dist/index.cjs"';
/** Actions that ask the database, whatever runner they are on. */
const ASK_DATABASE = ['preflight', 'mysql-up', 'kuscia-init', 'verify', 'plan', 'snapshot'];
const isStage = (action: string): boolean => STAGES.some((stage) => stage === action);

describe.each(ACTIONS)('actions/%s', (action) => {
  const { inputs, outputs = {}, runs } = actionOf(action);
  const bundle = runs.steps.find(({ id }) => id === 'stage');
  const env = bundle?.env ?? {};

  test('runs the bundle in bash, downloads artifacts before and uploads them after, and interpolates nothing into the script', () => {
    expect(runs.using).toBe('composite');
    expect(bundle).toEqual({ id: 'stage', shell: 'bash', run: BUNDLE, env });
    const takes = !['check', 'snapshot', 'unlock'].includes(action);
    const gives = !['check', 'verify', 'unlock'].includes(action);
    const logs = takes;
    // Whether it was fetched is the bundle's to judge, by name.
    const [fetch] = runs.steps;
    if (takes)
      expect([fetch?.id, fetch?.['continue-on-error'], env['KUSCIA_SWARM_FETCHED']]).toEqual([
        'fetch',
        true,
        '${{ steps.fetch.outcome }}',
      ]);
    expect(env['KUSCIA_SWARM_ARTIFACTS']).toBe(
      action === 'unlock' || action === 'check' ? undefined : '${{ inputs.artifacts }}',
    );
    expect(runs.steps.map(({ uses, id }) => uses?.replace(/@.*/, '') ?? id)).toEqual([
      ...(takes ? ['actions/download-artifact'] : []),
      'stage',
      ...(gives ? ['actions/upload-artifact'] : []),
      ...(logs ? ['actions/upload-artifact'] : []),
    ]);
  });

  test('exchanges artifacts only on request, under a name unique within the run, for a day', () => {
    for (const step of runs.steps.filter(({ uses }) => uses !== undefined))
      expect(step.if).toMatch(/^(inputs\.artifacts != ''|failure\(\) && steps\.stage\.outputs\.logs > 0$)/);
    const upload = runs.steps.find(
      ({ uses, if: when }) => uses?.startsWith('actions/upload-artifact@') && when?.startsWith('inputs.artifacts'),
    );
    if (!upload) return expect(['check', 'verify', 'unlock']).toContain(action);
    for (const part of ['inputs.artifacts', 'github.run_attempt', 'github.job', 'inputs.here'])
      expect(upload.with?.['name']).toContain(part);
    expect(upload.with?.['name']).toContain(`.${action}`);
    expect([upload.with?.['retention-days'], upload.with?.['path']]).toEqual([
      1,
      `\${{ runner.temp }}/kuscia-swarm/${action}-out`,
    ]);
    expect(env['INPUT_ARTIFACTS-OUT']).toContain(`kuscia-swarm/${action}-out`);
  });

  test('keeps the logs of a failed run separate from the exchanged artifacts, which are deleted at the end', () => {
    const upload = runs.steps.find(({ if: when }) => when?.startsWith('failure()'));
    if (!upload) return expect(['check', 'snapshot', 'unlock']).toContain(action);
    expect(upload.with?.['name']).toContain(
      "${{ inputs.artifacts || 'kuscia-swarm' }}-logs.${{ github.run_attempt }}.${{ github.job }}.",
    );
    expect([upload.with?.['retention-days'], upload.with?.['path']]).toEqual([
      1,
      `\${{ runner.temp }}/kuscia-swarm/${action}-logs`,
    ]);
    expect(env['INPUT_LOGS-OUT']).toBe(
      `\${{ inputs.seal-key && format('{0}/kuscia-swarm/${action}-logs', runner.temp) || '' }}`,
    );
  });

  test('takes every input that it may need, as defined in the catalogue', () => {
    const without: Readonly<Record<string, boolean>> = {
      stage: true,
      'artifacts-in': true,
      'artifacts-out': true,
      'logs-out': true,
      mode: !isStage(action) || action === 'verify',
      ...Object.fromEntries(
        ['ssh-key', 'ssh-key-passphrase', 'bastion-key', 'bastion-key-passphrase', 'known-hosts'].map((name) => [
          name,
          action === 'check',
        ]),
      ),
      'database-password': action === 'check' || action === 'unlock',
      'load-balancer-certificate': action === 'check' || action === 'unlock',
      'load-balancer-key': action === 'check' || action === 'unlock',
      'registry-password': ![
        'preflight',
        'network-create',
        'mysql-up',
        'kuscia-init',
        'kuscia-start',
        'nginx-lb',
      ].includes(action),
      'kuscia-config': !['preflight', 'kuscia-init', 'plan'].includes(action),
      'approved-runners': action !== 'check',
      images: ![
        'plan',
        'preflight',
        'swarm-join',
        'network-create',
        'mysql-up',
        'kuscia-init',
        'kuscia-start',
        'nginx-lb',
      ].includes(action),
      repair: !['preflight', 'network-create', 'plan'].includes(action),
      'upgrade-database': !['preflight', 'mysql-up', 'plan'].includes(action),
      'task-wait': !['kuscia-start', 'plan'].includes(action),
      host: !isStage(action) || action === 'verify' || action === 'preflight',
      'lock-wait': !isStage(action) || action === 'verify',
      'break-lock': !isStage(action) || action === 'verify',
      here: action === 'check',
      'seal-key': action === 'unlock' || action === 'check',
      runner: action !== 'check',
      domain: action !== 'check',
      'workflow-mode': action !== 'check',
    };
    const wanted = INPUT_LIST.filter(({ name }) => without[name] !== true);
    expect(Object.entries(inputs).map(([name, input]) => [name, input.required, input.default])).toEqual([
      ...wanted.map((input) => [
        input.name,
        input.needed?.english === 'always' || (input.name === 'database-password' && ASK_DATABASE.includes(action)),
        'default' in input ? input.default : undefined,
      ]),
      ...(action === 'unlock' || action === 'check' ? [] : [['artifacts', false, undefined]]),
    ]);
  });

  test('passes each of them on, and the purpose of the run', () => {
    const given = Object.fromEntries(
      INPUT_LIST.flatMap(({ name }) => (name in inputs ? [[inputVariable(name), `\${{ inputs.${name} }}`]] : [])),
    );
    const fixed = {
      ...(isStage(action) && { INPUT_STAGE: action }),
      ...((!isStage(action) || action === 'verify') && { INPUT_MODE: action === 'check' ? 'divide' : action }),
    };
    expect(
      Object.fromEntries(
        Object.entries(env).filter(
          ([name]) => !/^(INPUT_(ARTIFACTS|LOGS)-|KUSCIA_SWARM_(ARTIFACTS|FETCHED)$)/.test(name),
        ),
      ),
    ).toEqual({ ...ACTION_VARIABLES, ...given, ...fixed });
  });

  test('maps only outputs that the bundle has', () => {
    const expected: Readonly<Record<string, string[]>> = {
      verify: ['verify', 'failures', 'logs', 'load-balancer-url'],
      'nginx-lb': ['changed', 'plan', 'failures', 'logs', 'load-balancer-url'],
      plan: ['plan', 'changes', 'failures', 'logs'],
      check: ['domain', 'call', 'jobs', 'runners'],
      snapshot: [],
      unlock: [],
    };
    expect(Object.keys(outputs)).toEqual(expected[action] ?? ['changed', 'plan', 'failures', 'logs']);
    for (const [name, { value }] of Object.entries(outputs)) {
      expect([...Object.keys(OUTPUTS), ...Object.keys(CHECK_OUTPUTS)]).toContain(name);
      expect(value).toBe(`\${{ steps.stage.outputs.${name} }}`);
    }
  });
});
