import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { JOBS } from '../../src/github/catalogue.ts';
import { WORKFLOW_MODES } from '../../src/inputs/catalogue.ts';
import { deploymentStages, STAGES } from '../../src/stages/index.ts';
import { deploymentOf } from '../support/deployment.ts';
import { valueOf } from './expression.ts';

const root = join(import.meta.dirname, '../..');

interface Job {
  readonly needs?: string | readonly string[];
  readonly uses?: string;
  readonly if?: string;
  readonly 'runs-on'?: string;
  readonly strategy?: { readonly matrix: { readonly include: string } };
  readonly with?: Readonly<Record<string, unknown>>;
  readonly secrets?: Readonly<Record<string, string>> | 'inherit';
  readonly environment?: string;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly steps?: readonly Step[];
}

interface Step {
  readonly id?: string;
  readonly if?: string;
  readonly uses?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}

interface Workflow {
  readonly on: {
    readonly workflow_call: {
      readonly inputs: Readonly<Record<string, { readonly type: string }>>;
      readonly secrets: Readonly<Record<string, { readonly required: boolean }>>;
    };
  };
  readonly concurrency: { readonly group: string; readonly 'cancel-in-progress': boolean };
  readonly jobs: Readonly<Record<string, Job>>;
}

const read = <T>(path: string): T => parse(readFileSync(join(root, path), 'utf8')) as T;
const deploy = read<Workflow>('.github/workflows/deploy.yml');
const verify = read<Workflow>('.github/workflows/verify.yml');

/** All jobs that must have ended before a job, however far before. */
function before(jobs: Workflow['jobs'], name: string): Set<string> {
  const needs = [jobs[name]?.needs ?? []].flat();
  return new Set(needs.flatMap((need) => [need, ...before(jobs, need)]));
}

describe('the jobs of deploy.yml', () => {
  const stages = deploymentStages(deploymentOf());

  test.each(stages.map(({ name, needs }) => ({ name, needs })))(
    '$name follows the jobs that the code says it needs',
    ({ name, needs }) => {
      expect(deploy.jobs[name]?.steps?.some(({ uses }) => uses === `$/actions/${name}`)).toBe(true);
      const earlier = before(deploy.jobs, name);
      expect(needs.filter((need) => !earlier.has(need))).toEqual([]);
      // Every job that changes hosts follows the plan, and the approval if one is requested.
      for (const gate of ['check', 'plan', 'approve']) expect([...earlier]).toContain(gate);
    },
  );

  test('are those of the stages and the jobs around them', () => {
    expect(Object.keys(deploy.jobs).filter((job) => !STAGES.some((stage) => stage === job))).toEqual([
      'check',
      'snapshot',
      'plan',
      'approve',
      'snapshot-again',
      'swarm-joined',
      'snapshot-last',
      'unlock',
      'clean-up',
    ]);
    expect([...before(deploy.jobs, 'network-create')]).toContain('swarm-joined');
    expect(before(deploy.jobs, 'plan')).toEqual(new Set(['check', 'snapshot']));
  });

  test('use a validated mode, so that a misspelt one does not pass without doing anything', () => {
    const compared = Object.values(deploy.jobs).flatMap((job) =>
      [...(job.if ?? '').matchAll(/inputs\.([a-z-]+) [!=]= '([a-z]+)'/g)].map(([, name = '', value = '']) => ({
        name,
        value,
      })),
    );
    expect(new Set(compared.map(({ name }) => name))).toEqual(new Set(['mode']));
    expect(compared.filter(({ value }) => !WORKFLOW_MODES.some((mode) => mode === value))).toEqual([]);
    expect(deploy.jobs['check']?.steps?.at(-1)).toMatchObject({
      uses: '$/actions/check',
      with: { 'workflow-mode': '${{ inputs.mode }}' },
    });
  });

  test('continue only if no earlier job failed', () => {
    for (const [name, job] of Object.entries(deploy.jobs))
      if (name !== 'check' && name !== 'unlock')
        expect([name, job.if]).toEqual([name, expect.stringContaining('!failure() && !cancelled()')]);
  });
});

test('the lock is released after every job that may hold it, only if one failed or was cancelled, and only if the first manager is reached only by its own runner', () => {
  const { unlock } = deploy.jobs;
  expect([...before(deploy.jobs, 'unlock')]).toEqual(expect.arrayContaining([...STAGES, 'swarm-joined']));
  interface Changed {
    readonly verify?: string;
    readonly cancelled?: boolean;
    readonly check?: string;
    readonly mode?: string;
    readonly legs?: readonly unknown[];
  }
  const runs = (changed: Changed): boolean => {
    const {
      verify: result = 'failure',
      cancelled = false,
      check = 'success',
      mode = 'apply',
      legs = [{ host: 'node-01' }],
    } = changed;
    const needs = { verify: { result }, check: { result: check, outputs: { jobs: JSON.stringify({ unlock: legs }) } } };
    return valueOf(unlock?.if ?? '', { needs, inputs: { mode }, cancelled }) === true;
  };
  const cases: readonly (readonly [Changed, boolean])[] = [
    [{}, true],
    [{ verify: 'cancelled', cancelled: true }, true],
    [{ mode: '' }, true],
    [{ verify: 'success' }, false],
    [{ check: 'failure' }, false],
    [{ mode: 'plan' }, false],
    [{ legs: [] }, false],
  ];
  expect(cases.map(([changed]) => runs(changed))).toEqual(cases.map(([, wanted]) => wanted));
});

test('the report of verify.yml follows every job that verification depends on, and is made whatever their results', () => {
  const { report } = verify.jobs;
  expect(new Set([report?.needs ?? []].flat())).toEqual(new Set(['verify', ...before(verify.jobs, 'verify')]));
  expect(report?.if).toBe(
    "${{ !cancelled() && inputs.report && (needs.check.outputs.domain || inputs.domain) != '' }}",
  );
  const told = String(report?.steps?.at(-1)?.with?.['before']);
  for (const job of before(verify.jobs, 'verify')) expect(told).toContain(`${job}=\${{ needs.${job}.result }}`);
  const result = (of: string): unknown =>
    valueOf(String(report?.steps?.at(-1)?.with?.['result']), { needs: { verify: { result: of } } });
  expect(['success', 'failure', 'skipped', 'cancelled'].map(result)).toEqual([
    'success',
    'failure',
    'skipped',
    'failure',
  ]);
  const matrix = (result: string): unknown =>
    valueOf(String(report?.steps?.at(-1)?.with?.['verify']), {
      needs: { verify: { result, outputs: { verify: '{}' } } },
    });
  expect(['success', 'failure', 'skipped'].map(matrix)).toEqual(['{}', '{}', '']);
});

test.each([
  ['0', false],
  ['1', true],
  ['', true],
])('with a plan of %j changes, approval is requested: %s', (changes, asked) => {
  const needs = { check: { result: 'success' }, plan: { result: 'success', outputs: { changes } } };
  const when = (environment: string, mode = 'apply'): unknown =>
    valueOf(deploy.jobs['approve']?.if ?? '', { inputs: { mode, environment }, needs });
  expect([when('production'), when(''), when('production', 'plan')]).toEqual([asked, false, false]);
});

describe('the image archives of the caller', () => {
  const folder = 'runner.temp }}/kuscia-swarm-images';
  const taking = Object.entries(deploy.jobs).flatMap(([name, { steps = [] }]) =>
    steps.some(({ with: given }) => given?.['images']) ? [{ name, steps }] : [],
  );

  test('are given to the jobs that plan all stages, and to those whose stages may copy an image to a host', () => {
    expect(taking.map(({ name }) => name)).toEqual([
      'plan',
      'preflight',
      'swarm-join',
      'network-create',
      'mysql-up',
      'kuscia-init',
      'kuscia-start',
      'nginx-lb',
    ]);
  });

  test.each(taking)('are downloaded by $name before its stage, if there are any', ({ steps }) => {
    const fetched = steps.findIndex(({ uses }) => uses?.startsWith('actions/download-artifact@'));
    const used = steps.findIndex(({ with: given }) => given?.['images']);
    expect(fetched).toBeLessThan(used);
    // That nothing was found, or the service refused, ends by name.
    expect(steps[fetched + 1]).toMatchObject({
      if: "steps.images.outcome == 'failure'",
      run: expect.stringMatching(/KS-1701 artifact-missing::.*; exit 1$/),
    });
    expect(steps[fetched]).toMatchObject({
      id: 'images',
      'continue-on-error': true,
      if: "inputs.images-artifact != ''",
      with: { name: '${{ inputs.images-artifact }}', path: `\${{ ${folder}` },
    });
    expect(steps[used]?.with?.['images']).toBe(
      "${{ inputs.images-artifact && format('{0}/kuscia-swarm-images', runner.temp) || '' }}",
    );
  });

  test('are downloaded by no other job', () => {
    expect(
      Object.values(deploy.jobs).flatMap(({ steps = [] }) =>
        steps.filter(({ uses }) => uses?.startsWith('actions/download-artifact@')),
      ),
    ).toHaveLength(taking.length);
  });
});

test('each job runs on the runner of its matrix leg, and every job that acts on hosts has one', () => {
  for (const { jobs } of [deploy, verify]) {
    for (const [name, job] of Object.entries(jobs)) {
      const legs = job.strategy?.matrix.include;
      expect([name, job['runs-on']]).toEqual([
        name,
        legs === undefined ? expect.stringContaining('inputs.runner') : '${{ fromJSON(matrix.runner) }}',
      ]);
      expect([name, job.steps?.some(({ with: given }) => given !== undefined && 'here' in given)]).toEqual([
        name,
        legs !== undefined,
      ]);
    }
  }
});

describe('secrets', () => {
  const SSH = ['ssh-key', 'ssh-key-passphrase', 'bastion-key', 'bastion-key-passphrase', 'known-hosts'];
  const PAIR = ['load-balancer-certificate', 'load-balancer-key'];
  /** The secrets of a job besides those for SSH and the seal, over SSH; with runners on the hosts also `recorded`. */
  const own: Readonly<Record<string, readonly string[]>> = {
    snapshot: ['database-password', ...PAIR],
    'snapshot-again': ['database-password', ...PAIR],
    'snapshot-last': ['database-password', ...PAIR],
    plan: ['database-password', 'kuscia-config', ...PAIR],
    preflight: ['database-password', 'registry-password', 'kuscia-config', ...PAIR],
    'swarm-init': [],
    'swarm-join': [],
    'swarm-joined': [],
    'network-create': ['registry-password'],
    'mysql-up': ['database-password', 'registry-password'],
    'kuscia-init': ['database-password', 'registry-password', 'kuscia-config'],
    'kuscia-start': ['registry-password', ...PAIR],
    'nginx-lb': ['registry-password', ...PAIR],
    verify: ['database-password', ...PAIR],
  };
  const recorded = ['database-password', ...PAIR];
  const all = [deploy, verify].flatMap(({ jobs }) => Object.entries(jobs));
  const keptAs = (name: string): string => `KUSCIA_${name.replace('kuscia-', '').toUpperCase().replaceAll('-', '_')}`;
  const names = Object.keys(deploy.on.workflow_call.secrets);
  /** The secrets that a job is given on a host's own runner or elsewhere, by what its steps say of them. */
  const given = ({ steps = [] }: Job, here: string): string[] =>
    steps
      .flatMap(({ with: inputs = {} }) => Object.entries(inputs))
      .filter(([, value]) => String(value).includes('secrets.'))
      .filter(([name, value]) => {
        const secrets = Object.fromEntries(names.map((secret) => [secret, `the ${secret}`]));
        const found = valueOf(String(value), { matrix: { here }, secrets });
        expect([name, ['', `the ${name}`]]).toEqual([name, expect.arrayContaining([found])]);
        return found !== '';
      })
      .map(([name]) => name)
      .sort();

  test.each(all)('of the job %s are those that its stage uses', (name, job) => {
    const wanted = own[name];
    expect(given(job, '')).toEqual(wanted === undefined ? [] : [...SSH, ...wanted, 'seal-key'].sort());
    expect(given(job, 'node-01')).toEqual(
      wanted === undefined ? [] : [...new Set([...SSH, ...wanted, 'seal-key', ...recorded])].sort(),
    );
  });

  test.each(all)('put the job %s into their environment if it uses any, and no other job', (name, job) => {
    const takes = JSON.stringify(job).includes('secrets.');
    expect([takes, job.environment]).toEqual([
      name in own,
      takes ? '${{ inputs.secrets-environment }}' : name === 'approve' ? '${{ inputs.environment }}' : undefined,
    ]);
  });

  test('from an environment take precedence over those passed by the caller, under names that GitHub allows', () => {
    for (const name of names) expect(keptAs(name)).toMatch(/^KUSCIA_[A-Z_]+$/);
    for (const [, { steps = [] }] of all)
      for (const [name, value] of steps
        .flatMap(({ with: inputs = {} }) => Object.entries(inputs))
        .filter(([, value]) => String(value).includes('secrets.')))
        expect(
          valueOf(String(value), { matrix: { here: 'x' }, secrets: { [keptAs(name)]: 'kept', [name]: 'handed over' } }),
        ).toBe('kept');
  });

  test('are never required of the caller: GitHub would look for them before a job has its environment', () => {
    for (const { on } of [deploy, verify])
      expect(Object.values(on.workflow_call.secrets).map(({ required }) => required)).not.toContain(true);
  });
});

describe('which runner gets the secrets', () => {
  const trusts = ({ jobs }: Workflow, mode: string, event: string): unknown => {
    const distrusted = valueOf(jobs['check']?.steps?.[0]?.if ?? '', { inputs: { mode } }, { event_name: event });
    const approved = (runners: string): unknown =>
      valueOf(
        String(jobs['check']?.steps?.at(-1)?.with?.['approved-runners']),
        { inputs: { mode }, steps: { approved: { outputs: { runners } } } },
        { event_name: event },
      );
    expect([approved('{"a":["b"]}'), approved('')]).toEqual(distrusted === true ? ['{"a":["b"]}', '{}'] : ['', '']);
    return distrusted !== true;
  };
  test.each<[string, Workflow, string, string, boolean]>([
    ['a plan', deploy, 'plan', 'workflow_dispatch', false],
    ['a plan of a pull request', deploy, 'plan', 'pull_request', false],
    ['a deployment', deploy, 'apply', 'push', true],
    ['a deployment of a pull request', deploy, 'apply', 'pull_request', false],
    ['a verification', verify, '', 'schedule', true],
    ['a verification of a pull request', verify, '', 'pull_request_target', false],
  ])(
    '%s uses the cluster file of the run only if nobody else may have written it',
    (_, workflow, mode, event, trusted) => {
      expect(trusts(workflow, mode, event)).toBe(trusted);
    },
  );

  test.each([
    ['deploy', deploy],
    ['verify', verify],
  ] as const)('in %s is found on the default branch before the branch of the run is checked out', (_, { jobs }) => {
    const [first, approved, own, check, ...more] = jobs['check']?.steps ?? [];
    expect([first?.with?.['ref'], own?.with?.['ref'], more]).toEqual([
      '${{ github.event.repository.default_branch }}',
      undefined,
      [],
    ]);
    expect([approved?.id, approved?.uses, check?.uses]).toEqual(['approved', '$/actions/check', '$/actions/check']);
    expect(approved?.if).toBe(`(${first?.if}) && hashFiles(inputs.cluster) != ''`);
  });
});

test('runs for one domain are queued, but a plan neither waits for a deployment nor displaces a waiting one', () => {
  const group = (
    { concurrency }: Workflow,
    inputs: Readonly<Record<string, string>>,
    ref = 'refs/heads/main',
  ): string =>
    concurrency.group.replace(/\$\{\{.*?\}\}/g, (expression) => String(valueOf(expression, { inputs }, { ref })));
  const alice = { cluster: 'cluster.yml', domain: 'alice' };
  const deploys = [
    group(deploy, { ...alice, mode: 'apply' }),
    group(deploy, { ...alice, mode: '' }, 'refs/heads/next'),
  ];
  expect(new Set(deploys)).toEqual(new Set(['kuscia-swarm deploy alice']));
  expect(group(deploy, { ...alice, mode: 'plan' }, 'refs/pull/7/merge')).toBe(
    'kuscia-swarm plan refs/pull/7/merge alice',
  );
  expect([group(deploy, { ...alice, domain: '', mode: 'apply' }), group(verify, alice)]).toEqual([
    'kuscia-swarm deploy cluster.yml',
    'kuscia-swarm verify alice',
  ]);
  expect([deploy, verify].map(({ concurrency }) => concurrency['cancel-in-progress'])).toEqual([false, false]);
});

describe('artifacts passed between jobs are deleted', () => {
  const legs = (snapshot: readonly string[]): Record<string, string> => ({ jobs: JSON.stringify({ snapshot }) });
  const [overSsh, onHosts] = [legs([]), legs(['node-01', 'node-02'])];
  const cases: readonly [string, Workflow, string, Record<string, string>, Record<string, string>, boolean][] = [
    ['when a deployment is proven', deploy, 'apply', overSsh, { plan: 'success', verify: 'success' }, true],
    ['when it is and the mode was left blank', deploy, '', onHosts, { plan: 'success', verify: 'success' }, true],
    [
      'not when it failed: the job may be run again alone',
      deploy,
      'apply',
      overSsh,
      { plan: 'success', verify: 'failure' },
      false,
    ],
    ['not when a job before the proof failed', deploy, 'apply', onHosts, { plan: 'success', verify: 'skipped' }, false],
    [
      'after a plan made from snapshots of hosts',
      deploy,
      'plan',
      onHosts,
      { plan: 'success', verify: 'skipped' },
      true,
    ],
    ['not when that plan failed', deploy, 'plan', onHosts, { plan: 'failure', verify: 'skipped' }, false],
    [
      'not after a plan over SSH: no artifact was uploaded',
      deploy,
      'plan',
      overSsh,
      { plan: 'success', verify: 'skipped' },
      false,
    ],
    ['after a successful verification of snapshots', verify, '', onHosts, { verify: 'success' }, true],
    ['not when it is red', verify, '', onHosts, { verify: 'failure' }, false],
    ['not after one over SSH: no artifact was uploaded', verify, '', overSsh, { verify: 'success' }, false],
  ];
  test.each(cases)('%s', (_, { jobs }, mode, outputs, results, deleted) => {
    const job = jobs['clean-up'];
    expect([job?.needs].flat()).toEqual(['check', ...Object.keys(results)]);
    const needs = {
      check: { result: 'success', outputs },
      ...Object.fromEntries(Object.entries(results).map(([name, result]) => [name, { result }])),
    };
    expect(valueOf(job?.if ?? '', { inputs: { mode }, needs })).toBe(deleted);
  });

  test('under the names that the jobs gave them, which are unique to this workflow; a plan that no later job follows is not uploaded', () => {
    for (const [workflow, { jobs }] of Object.entries({ deploy, verify })) {
      const given = Object.entries(jobs)
        .filter(([name]) => name !== 'check' && name !== 'plan')
        .flatMap(([, { steps = [] }]) =>
          steps.flatMap(({ with: inputs }) => (inputs && 'artifacts' in inputs ? [String(inputs['artifacts'])] : [])),
        );
      expect([...new Set(given), jobs['clean-up']?.steps?.[0]?.with?.['prefix']]).toEqual([given[0], `${given[0]}.`]);
      expect(
        valueOf(given[0] ?? '', {
          needs: { check: { result: 'success', outputs: { domain: 'alice', call: '1a2b3c4d' } } },
        }),
      ).toBe(`kuscia-swarm.alice.${workflow}.1a2b3c4d`);
    }
    const artifacts = String(deploy.jobs['plan']?.steps?.at(-1)?.with?.['artifacts']);
    const name = (mode: string, outputs: Record<string, string>): unknown =>
      valueOf(artifacts, {
        inputs: { mode },
        needs: { check: { result: 'success', outputs: { domain: 'alice', call: '1a2b3c4d', ...outputs } } },
      });
    expect([name('plan', overSsh), name('plan', onHosts), name('apply', overSsh)]).toEqual([
      '',
      'kuscia-swarm.alice.deploy.1a2b3c4d',
      'kuscia-swarm.alice.deploy.1a2b3c4d',
    ]);
  });
});

describe.each([
  ['deploy.yml', deploy],
  ['verify.yml', verify],
] as const)('%s', (_, workflow) => {
  const steps = Object.values(workflow.jobs).flatMap((job) => job.steps ?? []);

  test('gives each action only inputs that it has, and all that it requires', () => {
    const used = steps.filter(({ uses }) => uses?.startsWith('$/'));
    expect(used.length).toBeGreaterThan(2);
    expect(used.flatMap((step) => inputFaults(step, /^\$\/actions\/([a-z-]+)$/))).toEqual([]);
  });

  test('grants a job the permissions that its actions need, if the caller grants them', () => {
    for (const [name, { permissions, steps: own = [] }] of Object.entries(workflow.jobs)) {
      const asked = own.flatMap(({ uses }) => Object.entries(ASKED[uses?.replace('$/actions/', '') ?? ''] ?? {}));
      // GitHub does not start a callee that asks for more than its caller grants: such a job names no permissions, and has those of the caller.
      expect([name, permissions]).toEqual([name, asked.length > 0 ? undefined : { contents: 'read' }]);
    }
  });

  test('uses every input and secret that it declares, and no other', () => {
    const text = JSON.stringify(workflow.jobs) + JSON.stringify(workflow.concurrency);
    for (const kind of ['inputs', 'secrets'] as const) {
      const used = new Set([...text.matchAll(new RegExp(`\\b${kind}\\.([a-z-]+)`, 'g'))].map(([, name = '']) => name));
      const unused = Object.keys(workflow.on.workflow_call[kind]).filter((name) => !used.has(name));
      // A verification makes no configuration, and brings no image.
      expect(unused).toEqual(kind === 'secrets' && workflow === verify ? ['registry-password', 'kuscia-config'] : []);
      expect([...used].filter((name) => !(name in workflow.on.workflow_call[kind]))).toEqual([]);
    }
  });
});

const OURS = /^OWNER\/kuscia-swarm(?:\/actions\/([a-z-]+)|\/\.github\/workflows\/(deploy|verify)\.yml)?@v1$/;

/** The permissions that actions of ours ask of their job, by the folder of the action. */
const ASKED: Readonly<Record<string, Readonly<Record<string, string>>>> = Object.fromEntries(
  Object.values(JOBS).map(({ action, needs }) => [
    action,
    Object.fromEntries([needs.split(': ')]) as Record<string, string>,
  ]),
);

/** The faults in the inputs that a step passes to one of our actions. */
function inputFaults({ uses = '', with: given = {} }: Step, pattern: RegExp): string[] {
  const found = pattern.exec(uses);
  if (!found) return [];
  const folder = found[1] === undefined ? '' : `actions/${found[1]}/`;
  const { inputs } = read<{ inputs: Record<string, { required: boolean; default?: string }> }>(`${folder}action.yml`);
  return [
    ...Object.keys(given)
      .filter((name) => !(name in inputs))
      .map((name) => `no input ${name}`),
    ...Object.entries(inputs)
      .filter(([name, { required, default: preset }]) => required && preset === undefined && !(name in given))
      .map(([name]) => `input ${name} is missing`),
  ];
}

/** The faults in how a job calls one of our workflows. */
function callFaults({ uses = '', with: given = {}, secrets: told = {} }: Job): string[] {
  const called = OURS.exec(uses)?.[2];
  if (called === undefined) return [];
  const { inputs, secrets } = (called === 'deploy' ? deploy : verify).on.workflow_call;
  return [
    ...Object.entries(given).flatMap(([name, value]) => {
      const type = inputs[name]?.type;
      return type === undefined
        ? [`no input ${name}`]
        : typeof value === type || String(value).startsWith('${{')
          ? []
          : [`input ${name} is not a ${type}`];
    }),
    ...Object.keys(told === 'inherit' ? {} : told)
      .filter((name) => !(name in secrets))
      .map((name) => `no secret ${name}`),
    ...(told === 'inherit'
      ? []
      : ['database-password', 'seal-key'].filter((name) => !(name in told)).map((name) => `secret ${name} is missing`)),
  ];
}

/** The permissions that a job uses: those of our actions in it, and read access for a job that reads the cluster file from the repository. */
function permissionsFor({ uses = '', with: given = {}, steps = [] }: Job): Readonly<Record<string, string>> {
  const called = OURS.exec(uses)?.[2];
  const deletes = called === 'deploy' && given['mode'] !== 'plan';
  const actions = [
    ...steps.flatMap((step) => OURS.exec(step.uses ?? '')?.[1] ?? []),
    ...(deletes ? ['clean-up'] : []),
    ...(called === 'verify' && given['report'] === true ? ['report-health'] : []),
  ];
  const reads = called !== undefined || steps.some((step) => step.uses?.startsWith('actions/checkout@'));
  return Object.assign({}, reads && { contents: 'read' }, ...actions.map((action) => ASKED[action] ?? {})) as Record<
    string,
    string
  >;
}

/** Everything that is wrong with a job to copy. */
function jobFaults(job: Job): string[] {
  const { permissions = {}, steps = [] } = job;
  const wanted = permissionsFor(job);
  return [
    ...callFaults(job),
    ...steps.flatMap((step) => inputFaults(step, OURS)),
    ...Object.entries(wanted)
      .filter(([name, level]) => permissions[name] !== level)
      .map(([name, level]) => `permission ${name}: ${level} is missing`),
    ...Object.keys(permissions)
      .filter((name) => !(name in wanted))
      .map((name) => `permission ${name} is not needed`),
  ];
}

describe('the workflow templates', () => {
  const templates = readdirSync(join(root, 'workflows')).map((name) => ({
    name,
    workflow: read<Workflow>(`workflows/${name}`),
  }));

  test.each(templates)('$name calls workflows and actions that exist', ({ workflow }) => {
    const jobs = Object.values(workflow.jobs);
    expect(jobs.flatMap(jobFaults)).toEqual([]);
    const ours = jobs
      .flatMap((job) => [job.uses ?? '', ...(job.steps ?? []).map(({ uses = '' }) => uses)])
      .filter((uses) => uses.startsWith('OWNER/'));
    expect(ours.length).toBeGreaterThan(0);
    for (const uses of ours) expect(uses).toMatch(OURS);
  });

  test('keep the logs of a failed run sealed for a day if they use the root action', () => {
    const { steps = [] } =
      templates.find(({ name }) => name === 'deploy-single-job.yml')?.workflow.jobs['deploy'] ?? {};
    const [deployed, kept, ...more] = steps.filter(({ uses }) => !uses?.startsWith('actions/checkout@'));
    const { inputs, outputs } = read<{ inputs: Record<string, unknown>; outputs: Record<string, unknown> }>(
      'action.yml',
    );
    expect([deployed?.id, deployed?.uses, more]).toEqual(['deploy', 'OWNER/kuscia-swarm@v1', []]);
    expect(Object.keys(deployed?.with ?? {}).filter((name) => !(name in inputs))).toEqual([]);
    expect(deployed?.with).toMatchObject({
      'seal-key': '${{ secrets.KUSCIA_SEAL_KEY }}',
      'logs-out': "${{ secrets.KUSCIA_SEAL_KEY && format('{0}/kuscia-swarm-logs', runner.temp) || '' }}",
    });
    expect(outputs).toHaveProperty('logs');
    const pinned = read<{ runs: { steps: { uses?: string }[] } }>('actions/verify/action.yml').runs.steps.find(
      ({ uses }) => uses?.startsWith('actions/upload-artifact@'),
    )?.uses;
    expect(kept).toEqual({
      if: 'failure() && steps.deploy.outputs.logs > 0',
      uses: pinned,
      with: {
        name: 'kuscia-swarm-logs.${{ github.run_attempt }}',
        path: '${{ runner.temp }}/kuscia-swarm-logs',
        'retention-days': 1,
        'if-no-files-found': 'error',
      },
    });
  });

  const jobIn = (file: string, job: string): Job =>
    templates.find(({ name }) => name === file)?.workflow.jobs[job] ?? {};
  const good = jobIn('deploy.yml', 'deploy');
  const single = jobIn('deploy-single-job.yml', 'deploy');
  const comment = jobIn('plan.yml', 'comment');
  /** A job whose step with an action of ours is given something else. */
  const giving = (job: Job, changes: Readonly<Record<string, unknown>>): Job => ({
    ...job,
    steps: (job.steps ?? []).map((step) =>
      OURS.test(step.uses ?? '')
        ? {
            ...step,
            with: Object.fromEntries(
              Object.entries({ ...step.with, ...changes }).filter(([, value]) => value !== undefined),
            ),
          }
        : step,
    ),
  });
  const broken: readonly [string, Job, string][] = [
    ['an input that does not exist', { ...good, with: { clusters: 'x' } }, 'no input clusters'],
    ['an input of the wrong type', { ...good, with: { repair: 'yes' } }, 'input repair is not a boolean'],
    [
      'a secret that does not exist',
      { ...good, secrets: { ...(good.secrets as Record<string, string>), token: 'x' } },
      'no secret token',
    ],
    ['a missing secret', { ...good, secrets: { 'database-password': 'x' } }, 'secret seal-key is missing'],
    ['a missing permission', { ...good, permissions: { contents: 'read' } }, 'permission actions: write is missing'],
    [
      'a permission that nothing needs',
      { ...good, permissions: { ...good.permissions, packages: 'write' } },
      'permission packages is not needed',
    ],
    [
      'an issue that may not be written',
      { ...jobIn('verify.yml', 'verify'), permissions: { contents: 'read' } },
      'permission issues: write is missing',
    ],
    ['a step that gives the root action an unknown input', giving(single, { clusters: 'x' }), 'no input clusters'],
    [
      'a step that lacks a required input of the root action',
      giving(single, { cluster: undefined }),
      'input cluster is missing',
    ],
    ['a step that gives one of the actions an unknown input', giving(comment, { pull: 1 }), 'no input pull'],
    [
      'a step that lacks a required input of one of the actions',
      giving(comment, { plan: undefined }),
      'input plan is missing',
    ],
    [
      'a comment that may not be written',
      { ...comment, permissions: {} },
      'permission pull-requests: write is missing',
    ],
    ['a checkout that may not read', { ...single, permissions: {} }, 'permission contents: read is missing'],
  ];
  test.each(broken)('are rejected with %s', (_, job, fault) => {
    expect(jobFaults(job)).toEqual([fault]);
  });
});
