import { stringify } from 'yaml';
import { INPUT_LIST, INPUTS, type InputName } from '../../src/inputs/catalogue.ts';
import { CLUSTER_SECRETS, type ClusterSecret, type StageDefinition } from '../../src/stages/definition.ts';
import { DEFINITIONS, type StageName } from '../../src/stages/index.ts';
import type { ActionName } from './stage-pages.ts';
import { CHECKOUT, DOWNLOAD, inputsOf, takesSecret, withVersions } from './stages.ts';

const HEAD =
  '# Generated from src/inputs/catalogue.ts, src/stages and scripts/generate/workflows.ts by `npm run generate`; do not edit.\n';

type Yaml = Readonly<Record<string, unknown>>;

/** Secrets have the names of their inputs. */
const SECRETS = INPUT_LIST.filter(({ kind }) => kind === 'secret' || kind === 'file');
const ALWAYS: readonly InputName[] = ['database-password', 'seal-key'];
const NEEDED: Readonly<Partial<Record<InputName, string>>> = {
  'registry-password': 'the cluster file has `registry`',
  'load-balancer-certificate': '`load-balancer.scheme` is https',
  'load-balancer-key': '`load-balancer.scheme` is https',
};

/** The name under which the repository, the organisation or an environment of the caller keeps a secret, which `secrets: inherit` passes on. */
export const keptAs = (name: string): string =>
  `KUSCIA_${name
    .replace(/^kuscia-/, '')
    .toUpperCase()
    .replaceAll('-', '_')}`;

/** None is required: GitHub checks required secrets before a job has its environment, and would not find those kept there. Each job itself reports what is missing. */
const secrets: Yaml = Object.fromEntries(
  SECRETS.map(({ name, description, needed }) => {
    const when = ALWAYS.includes(name)
      ? ' Always required.'
      : needed
        ? ` Required when ${NEEDED[name] ?? needed.english}.`
        : '';
    return [
      name,
      { description: `${description}${when} With \`secrets: inherit\`: ${keptAs(name)}.`, required: false },
    ];
  }),
);

const CLUSTER = {
  cluster: {
    description: "The cluster file: its path in the caller's repository, or its text.",
    type: 'string',
    default: 'cluster.yml',
  },
};
const DOMAIN = {
  domain: {
    description:
      'Id of the domain; must match the cluster file. Runs with the same id are queued: one at a time, and the latest of the waiting runs is next. Blank: runs are queued by the path of the cluster file.',
    type: 'string',
    default: '',
  },
};
const RUNNER = {
  runner: {
    description: 'Runner for jobs whose host has no `runner` in the cluster file: a label, or JSON as in `runs-on`.',
    type: 'string',
    default: 'ubuntu-latest',
  },
};

const ENVIRONMENT = {
  'secrets-environment': {
    description:
      'GitHub environment that holds the secrets under the names KUSCIA_..., for `secrets: inherit`. Every job that takes a secret uses it, and no other job does. Restrict it to branches. Set no reviewers on it, or each of these jobs waits for an approval. Blank: none.',
    type: 'string',
    default: '',
  },
};

const JOBS = 'fromJSON(needs.check.outputs.jobs)';
const anyRunner =
  "${{ (startsWith(inputs.runner, '[') || startsWith(inputs.runner, '{')) && fromJSON(inputs.runner) || inputs.runner }}";
/** Where a job puts the image archives of an earlier job of the caller. */
const IMAGES = 'kuscia-swarm-images';
const downloadImages = [
  {
    if: "inputs.images-artifact != ''",
    id: 'images',
    'continue-on-error': true,
    uses: DOWNLOAD,
    with: { name: '${{ inputs.images-artifact }}', path: `\${{ runner.temp }}/${IMAGES}` },
  },
  {
    if: "steps.images.outcome == 'failure'",
    env: { ARTIFACT: '${{ inputs.images-artifact }}' },
    run: 'echo "::error title=KS-1701 artifact-missing::The artifact $ARTIFACT of this run, named by the input images-artifact, could not be downloaded; the step before this one says why. Check that an earlier job of this run uploads it under that name, and check githubstatus.com; then run this job again."; exit 1',
  },
];
const checkout = { uses: CHECKOUT, with: { 'persist-credentials': false } };
/** Placeholder for the name of the workflow, which its jobs do not know. */
const NAME = '<name>';
/** First part of the names of a call's artifacts, as an expression. One run may call these workflows several times, with jobs of one name. */
const PREFIX = `format('kuscia-swarm.{0}.${NAME}.{1}', needs.check.outputs.domain, needs.check.outputs.call)`;
const prefix = `\${{ ${PREFIX} }}`;
/** When a job runs: also if an earlier job was skipped, never if one failed. */
const WELL = '!failure() && !cancelled()';
const apart = (job: string): string => `toJSON(${JOBS}['${job}']) != '[]'`;

/** A secret for an action: that of the job's environment takes precedence, as in GitHub itself. A secret needed only to record a host's answers is given to no other job. */
function secretFor(action: ActionName, name: string): string {
  const value = `secrets.${keptAs(name)} || secrets.${name}`;
  const onlyHere =
    CLUSTER_SECRETS.some((secret) => secret === name) && takesSecret(action, name as ClusterSecret) === 'here';
  return onlyHere ? `\${{ matrix.here && (${value}) || '' }}` : `\${{ ${value} }}`;
}

/** The inputs of an action as set by a workflow: secrets by their names, the rest from the leg of the matrix and the inputs of the workflow. */
function filled(action: ActionName, own: Yaml): Yaml {
  const values: Readonly<Record<string, string>> = {
    cluster: '${{ inputs.cluster }}',
    ...(action === 'unlock' ? {} : Object.fromEntries(SECRETS.map(({ name }) => [name, secretFor(action, name)]))),
    images: `\${{ inputs.images-artifact && format('{0}/${IMAGES}', runner.temp) || '' }}`,
    repair: '${{ inputs.repair }}',
    'upgrade-database': '${{ inputs.upgrade-database }}',
    'task-wait': '${{ inputs.task-wait }}',
    'lock-wait': '${{ inputs.lock-wait }}',
    'break-lock': '${{ inputs.break-lock }}',
    runner: '${{ inputs.runner }}',
    domain: '${{ inputs.domain }}',
    host: '${{ matrix.host }}',
    here: '${{ matrix.here }}',
    artifacts: prefix,
  };
  return Object.fromEntries(
    inputsOf(action).flatMap(({ name }) => (name in own || name in values ? [[name, own[name] ?? values[name]]] : [])),
  );
}

interface Extras {
  readonly needs?: readonly string[];
  readonly if?: string;
  readonly matrix?: string;
  readonly strategy?: Yaml;
  readonly outputs?: readonly string[];
  readonly with?: Yaml;
  readonly minutes?: number;
}

/** A job that runs one action on each leg of its matrix. */
function job(
  action: ActionName,
  { needs = [], if: when, matrix = action, strategy = {}, outputs, with: own = {}, minutes = 30 }: Extras,
): Yaml {
  const given = filled(action, own);
  return {
    needs: ['check', ...needs],
    if: `\${{ ${[WELL, ...(when === undefined ? [] : [when])].join(' && ')} }}`,
    strategy: { ...strategy, matrix: { include: `\${{ ${JOBS}['${matrix}'] }}` } },
    'runs-on': '${{ fromJSON(matrix.runner) }}',
    'timeout-minutes': minutes,
    ...(JSON.stringify(given).includes('secrets.') && { environment: '${{ inputs.secrets-environment }}' }),
    permissions: { contents: 'read' },
    ...(outputs && {
      outputs: Object.fromEntries(outputs.map((name) => [name, `\${{ steps.${action}.outputs.${name} }}`])),
    }),
    steps: [
      checkout,
      ...(given['images'] ? downloadImages : []),
      { id: action, uses: `$/actions/${action}`, with: given },
    ],
  };
}

/**
 * Takes no secret. If a pull request may have written the cluster file, its runners must be those on the default branch, because jobs with the secrets run there.
 * The file checked out last is the one that is checked.
 */
const check = (distrusts: string, own: Yaml = {}): Yaml => ({
  'runs-on': anyRunner,
  'timeout-minutes': 10,
  permissions: { contents: 'read' },
  outputs: {
    domain: '${{ steps.check.outputs.domain }}',
    call: '${{ steps.check.outputs.call }}',
    jobs: '${{ steps.check.outputs.jobs }}',
  },
  steps: [
    {
      if: distrusts,
      uses: CHECKOUT,
      with: { ref: '${{ github.event.repository.default_branch }}', 'persist-credentials': false },
    },
    {
      id: 'approved',
      if: `(${distrusts}) && hashFiles(inputs.cluster) != ''`,
      'continue-on-error': true,
      uses: '$/actions/check',
      with: { cluster: '${{ inputs.cluster }}' },
    },
    checkout,
    {
      id: 'check',
      uses: '$/actions/check',
      with: filled('check', {
        host: undefined,
        here: undefined,
        'approved-runners': `\${{ (${distrusts}) && (steps.approved.outputs.runners || '{}') || '' }}`,
        ...own,
      }),
    },
  ],
});

const OF_PULL_REQUEST = "startsWith(github.event_name, 'pull_request')";

/** A blank mode is the default. The job `check` refuses an invalid one. */
const APPLY = "inputs.mode != 'plan'";

/** The last job of a stage, for all hosts together, if it has one. */
const lastOf = ({ jobs }: StageDefinition): string | undefined => (jobs && 'hosts' in jobs ? jobs.last : undefined);

/** The jobs before those of a stage: the jobs of the stages that it needs, or else the plan and its approval. */
const beforeStage = ({ needs }: StageDefinition): readonly string[] =>
  needs.length === 0
    ? ['plan', 'approve', 'snapshot-again']
    : [...needs, ...DEFINITIONS.flatMap((stage) => (needs.includes(stage.name) ? (lastOf(stage) ?? []) : []))];

/** The jobs of a stage, and those around them. */
function stageJobs(stage: StageDefinition<StageName>): Readonly<Record<string, Yaml>> {
  const { name, jobs, judges, minutes, outputs, appliesTo } = stage;
  const several = jobs && 'hosts' in jobs ? jobs : undefined;
  const last = lastOf(stage);
  // A matrix without legs is an error to GitHub.
  const when = appliesTo || several?.mayBeNone ? `${APPLY} && ${apart(name)}` : APPLY;
  return {
    ...(judges && { 'snapshot-last': snapshot(beforeStage(stage), APPLY) }),
    [name]: job(name, {
      needs: [...beforeStage(stage), ...(judges ? ['snapshot-last'] : [])],
      if: when,
      ...(several && { strategy: several.order === 'side by side' ? { 'fail-fast': false } : { 'max-parallel': 1 } }),
      ...(judges && outputs && { outputs }),
      ...(minutes !== undefined && { minutes }),
    }),
    ...(last !== undefined && {
      [last]: job(name, { needs: [name], matrix: 'whole', with: { images: '' }, if: when }),
    }),
  };
}

const snapshot = (needs: readonly string[], when?: string): Yaml =>
  job('snapshot', {
    needs,
    if: [...(when === undefined ? [] : [when]), apart('snapshot')].join(' && '),
    strategy: { 'fail-fast': false },
  });

/** Releases the lock after an unsuccessful run if the jobs of other hosts could not. A run without a plan has no lock. */
const unlock = (): Yaml => ({
  ...job('unlock', { needs: ['verify'] }),
  if: `\${{ (failure() || cancelled()) && needs.check.result == 'success' && ${APPLY} && ${apart('unlock')} }}`,
});

/** Deletes the exchanged artifacts once no job is left that could be re-run and would need them. It names no permissions, so that callers who do not grant them can call this too. */
const cleanUp = (needs: readonly string[], when: string): Yaml => ({
  needs: ['check', ...needs],
  if: `\${{ ${WELL} && ${when} }}`,
  'runs-on': anyRunner,
  'timeout-minutes': 10,
  steps: [{ uses: '$/actions/clean-up', with: { prefix: `${prefix}.` } }],
});

const deployJobs = (): Yaml => ({
  check: check(`inputs.mode == 'plan' || ${OF_PULL_REQUEST}`, { 'workflow-mode': '${{ inputs.mode }}' }),
  snapshot: snapshot([]),
  // The plan is uploaded for the jobs that must follow it; without such jobs it is not needed.
  plan: job('plan', {
    needs: ['snapshot'],
    matrix: 'whole',
    outputs: ['plan', 'changes'],
    with: { artifacts: `\${{ (${APPLY} || ${apart('snapshot')}) && ${PREFIX} || '' }}` },
  }),
  approve: {
    needs: ['check', 'plan'],
    // A plan without changes needs no approval; later jobs must follow it like any other.
    if: `\${{ ${WELL} && ${APPLY} && inputs.environment != '' && needs.plan.outputs.changes != '0' }}`,
    'runs-on': anyRunner,
    'timeout-minutes': 10,
    environment: '${{ inputs.environment }}',
    // It names no permissions: GitHub shows the rules of an environment if the caller grants actions: read, or more.
    steps: [
      { uses: '$/actions/check-approval', with: { environment: '${{ inputs.environment }}' } },
      { run: 'echo "The plan was approved. It is applied only if the hosts still need exactly the same changes."' },
    ],
  },
  'snapshot-again': snapshot(['plan', 'approve'], APPLY),
  ...Object.fromEntries(DEFINITIONS.flatMap((stage) => Object.entries(stageJobs(stage)))),
  unlock: unlock(),
  // In mode plan, only the snapshots of the hosts' own jobs were uploaded.
  'clean-up': cleanUp(
    ['plan', 'verify'],
    `(needs.verify.result == 'success' || inputs.mode == 'plan' && needs.plan.result == 'success' && ${apart('snapshot')})`,
  ),
});

const output = (of: string, name: string, description: string): Yaml => ({
  [name]: { description, value: `\${{ jobs.${of}.outputs.${name} }}` },
});
const concurrency = (kind: string): Yaml => ({
  group: `kuscia-swarm ${kind} \${{ inputs.domain || inputs.cluster }}`,
  'cancel-in-progress': false,
});
/** A plan changes nothing and waits for no deployment, nor may it displace a waiting one; plans of one branch or pull request are queued. */
const DEPLOYS = "${{ inputs.mode == 'plan' && format('plan {0}', github.ref) || 'deploy' }}";

/** The text of .github/workflows/deploy.yml. */
export function deployText(): string {
  return workflow(
    'deploy',
    DEPLOYS,
    {
      inputs: {
        ...CLUSTER,
        ...DOMAIN,
        mode: {
          description: '`apply` deploys; `plan` only shows what apply would change.',
          type: 'string',
          default: 'apply',
        },
        environment: {
          description:
            'GitHub environment whose reviewers approve the plan before anything is changed. Blank: no approval.',
          type: 'string',
          default: '',
        },
        ...ENVIRONMENT,
        ...RUNNER,
        'images-artifact': {
          description:
            'Name of an artifact with image archives (from `docker save`), uploaded by an earlier job of this run, for hosts that cannot reach a registry. Blank: images are pulled.',
          type: 'string',
          default: '',
        },
        repair: {
          description:
            'Lets a stage remove what blocks the deployment, such as a network of the wrong type. Never removes data.',
          type: 'boolean',
          default: false,
        },
        'upgrade-database': { description: INPUTS['upgrade-database'].description, type: 'boolean', default: false },
        'task-wait': {
          description: INPUTS['task-wait'].description,
          type: 'string',
          default: INPUTS['task-wait'].default,
        },
        'lock-wait': {
          description: INPUTS['lock-wait'].description,
          type: 'string',
          default: INPUTS['lock-wait'].default,
        },
        'break-lock': { description: INPUTS['break-lock'].description, type: 'string', default: '' },
      },
      outputs: {
        ...output('plan', 'plan', 'The plan as JSON.'),
        ...output('verify', 'verify', 'The replica × check matrix as JSON.'),
        ...output('verify', 'load-balancer-url', 'Where peers reach the domain.'),
      },
    },
    deployJobs(),
  );
}

/** An output of the job `verify`, blank if that was skipped: act returns the outputs of a skipped job unevaluated, including `${{`. */
const ofVerify = (output: string): string =>
  `\${{ needs.verify.result != 'skipped' && needs.verify.outputs.${output} || '' }}`;

/** The text of .github/workflows/verify.yml. */
export function verifyText(): string {
  return workflow(
    'verify',
    'verify',
    {
      inputs: {
        ...CLUSTER,
        ...DOMAIN,
        ...ENVIRONMENT,
        ...RUNNER,
        report: {
          description:
            "Keeps one issue open in the caller's repository while the cluster is not as described. The calling job must grant `issues: write`.",
          type: 'boolean',
          default: false,
        },
      },
      outputs: {
        ...output('verify', 'verify', 'The replica × check matrix as JSON.'),
        ...output('verify', 'load-balancer-url', 'Where peers reach the domain.'),
      },
    },
    {
      check: check(OF_PULL_REQUEST),
      snapshot: snapshot([]),
      verify: job('verify', { needs: ['snapshot'], outputs: ['verify', 'failures', 'load-balancer-url'] }),
      report: {
        needs: ['check', 'snapshot', 'verify'],
        // A job that timed out is also cancelled, although the run is not: it is reported. Without the domain there is no issue to find.
        if: "${{ !cancelled() && inputs.report && (needs.check.outputs.domain || inputs.domain) != '' }}",
        'runs-on': anyRunner,
        'timeout-minutes': 10,
        steps: [
          {
            uses: '$/actions/report-health',
            with: {
              domain: '${{ needs.check.outputs.domain || inputs.domain }}',
              result: "${{ needs.verify.result == 'cancelled' && 'failure' || needs.verify.result }}",
              before: 'check=${{ needs.check.result }} snapshot=${{ needs.snapshot.result }}',
              verify: ofVerify('verify'),
              failures: ofVerify('failures'),
            },
          },
        ],
      },
      'clean-up': cleanUp(['verify'], `needs.verify.result == 'success' && ${apart('snapshot')}`),
    },
  );
}

function workflow(name: string, kind: string, call: Yaml, jobs: Yaml): string {
  const document = { name, on: { workflow_call: { ...call, secrets } }, concurrency: concurrency(kind), jobs };
  return (
    HEAD + withVersions(stringify(document, { lineWidth: 0, aliasDuplicateObjects: false }).replaceAll(NAME, name))
  );
}
