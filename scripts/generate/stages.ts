import { stringify } from 'yaml';
import {
  CHECK_OUTPUTS,
  INPUT_LIST,
  INPUTS,
  inputVariable,
  OUTPUTS,
  type InputDefinition,
  type InputName,
} from '../../src/inputs/catalogue.ts';
import { QUERY_SECRETS, secretsUsed } from '../../src/inputs/uses.ts';
import type { OnHosts } from '../../src/operations/operation.ts';
import { ACTION_VARIABLES } from '../../src/report/failures.ts';
import { CLUSTER_SECRETS, type ClusterSecret, type StageInput } from '../../src/stages/definition.ts';
import { DEFINITIONS, STAGES } from '../../src/stages/index.ts';
import { neededText } from './action.ts';
import { HEADINGS } from './headings.ts';
import { operatedBy, stageOf, wordsOf, type ActionName } from './stage-pages.ts';
import { table, type Language } from './table.ts';

const HEAD = '# Generated from src/inputs/catalogue.ts and src/stages by `npm run generate`; do not edit.\n';

/** The operation of an action, if it queries hosts. */
function onHosts(action: ActionName): OnHosts | undefined {
  const { operation } = operatedBy(action) ?? {};
  return operation && 'run' in operation ? operation : undefined;
}

const asksHosts = (action: ActionName): boolean => stageOf(action) !== undefined || onHosts(action) !== undefined;

/** Whether an action takes a secret of the cluster: always for its own stage, or only where its job records what its host answers (`here`). */
export function takesSecret(action: ActionName, name: ClusterSecret): 'always' | 'here' | 'never' {
  const stage = stageOf(action);
  const { mode = 'apply', operation } = operatedBy(action) ?? {};
  const own = secretsUsed(mode, stage ? [stage.name] : STAGES, operation?.secrets === 'to record');
  if (own.has(name)) return 'always';
  return stage && QUERY_SECRETS.includes(name) ? 'here' : 'never';
}

/** Whether an action takes an input because its stage does; a plan takes the inputs of every stage. */
const asStage =
  (name: StageInput) =>
  (action: ActionName): boolean =>
    (action === 'plan' ? DEFINITIONS : [stageOf(action)]).some((stage) => stage?.inputs.includes(name));

/** Whether it is the action of a stage that is applied, not of one that only checks. */
function isApplied(action: ActionName): boolean {
  const stage = stageOf(action);
  return stage !== undefined && !stage.judges;
}

/** Inputs that not every action uses. All others are checked against the cluster file whatever the stage, so every action takes them. */
const ONLY: Readonly<Partial<Record<InputName, (action: ActionName) => boolean>>> = {
  stage: () => false,
  mode: isApplied,
  ...Object.fromEntries(
    ['ssh-key', 'ssh-key-passphrase', 'bastion-key', 'bastion-key-passphrase', 'known-hosts'].map((name) => [
      name,
      asksHosts,
    ]),
  ),
  ...Object.fromEntries(
    CLUSTER_SECRETS.map((name) => [name, (action: ActionName) => takesSecret(action, name) !== 'never']),
  ),
  images: asStage('images'),
  repair: asStage('repair'),
  'upgrade-database': asStage('upgrade-database'),
  'task-wait': asStage('task-wait'),
  host: (action) => stageOf(action)?.jobs !== undefined,
  'lock-wait': isApplied,
  'break-lock': isApplied,
  here: asksHosts,
  'seal-key': (action) => exchanges(action),
  runner: (action) => !asksHosts(action),
  domain: (action) => !asksHosts(action),
  'workflow-mode': (action) => !asksHosts(action),
  'approved-runners': (action) => !asksHosts(action),
  'artifacts-in': () => false,
  'artifacts-out': () => false,
  'logs-out': () => false,
};

/** The actions that use artifacts of earlier jobs, and those that create artifacts. */
const TAKES = (action: ActionName): boolean =>
  stageOf(action) !== undefined || (onHosts(action)?.takes ?? 'nothing') !== 'nothing';
const GIVES = (action: ActionName): boolean =>
  stageOf(action) ? isApplied(action) : (onHosts(action)?.leaves ?? 'nothing') !== 'nothing';
const exchanges = (action: ActionName): boolean => TAKES(action) || GIVES(action);
/** Those that search the hosts' logs when they fail. */
const LOGS = TAKES;

/** Outputs that not every action sets. */
const OUTPUT_ONLY: Readonly<Record<string, (action: ActionName) => boolean>> = {
  changed: isApplied,
  plan: (action) => isApplied(action) || action === 'plan',
  changes: (action) => action === 'plan',
  verify: (action) => stageOf(action)?.outputs?.includes('verify') ?? false,
  'load-balancer-url': (action) => stageOf(action)?.outputs?.includes('load-balancer-url') ?? false,
};

/** Descriptions that differ from the catalogue because only one stage runs. */
const DIFFERENT: Readonly<Partial<Record<InputName, Pick<InputDefinition, 'description' | 'chinese'>>>> = {
  mode: {
    description: 'What to do: `apply` makes the missing changes, `plan` only shows what apply would change.',
    chinese: '要做什么：`apply` 完成缺少的更改；`plan` 只显示 apply 会做的更改。',
  },
};

type ActionInput = InputDefinition & { readonly name: string };

/** The first part of the names of a run's artifacts. The bundle itself is given only their folders. */
const ARTIFACTS: ActionInput = {
  name: 'artifacts',
  kind: 'word',
  description:
    'First part of the names of the artifacts that the jobs of this deployment exchange, for example `kuscia-swarm.alice`. Blank: none are exchanged, and each job queries the hosts itself.',
  chinese: '本次部署各作业之间所交换工件的名称首段，例如 `kuscia-swarm.alice`。留空则不交换，各作业自行查询主机。',
};

/** The inputs of an action. */
export function inputsOf(action: ActionName): readonly ActionInput[] {
  const own = INPUT_LIST.filter(({ name }) => ONLY[name]?.(action) ?? true).map((input) => ({
    ...input,
    ...DIFFERENT[input.name],
    ...neededBy(action, input),
  }));
  return exchanges(action) ? [...own, ARTIFACTS] : own;
}

/** When an action needs a secret of the cluster, for which the catalogue lists the stages. */
function neededBy(action: ActionName, { name, needed }: (typeof INPUT_LIST)[number]): Partial<InputDefinition> {
  if (needed === undefined || !CLUSTER_SECRETS.some((secret) => secret === name)) return {};
  const { english, chinese } = CONDITIONS[name] ?? needed;
  const always = takesSecret(action, name as ClusterSecret) === 'always';
  if (name === 'database-password') return { needed: always ? { english: 'always', chinese: '总是' } : HERE };
  return {
    needed: always
      ? { english, chinese }
      : { english: `${english}, and ${HERE.english}`, chinese: `${chinese}，且${HERE.chinese}` },
  };
}

const HERE = INPUTS.here.needed;
const HTTPS = { english: '`load-balancer.scheme` is https', chinese: '`load-balancer.scheme` 为 https' };
const CONDITIONS: Readonly<Partial<Record<InputName, { readonly english: string; readonly chinese: string }>>> = {
  'registry-password': { english: 'the cluster file has `registry`', chinese: '集群文件含有 `registry`' },
  'load-balancer-certificate': HTTPS,
  'load-balancer-key': HTTPS,
};

/** The outputs of an action, by name. */
export const outputsOf = (action: ActionName): [string, { description: string; chinese: string }][] =>
  !asksHosts(action)
    ? Object.entries(CHECK_OUTPUTS)
    : onHosts(action)?.shows === 'nothing'
      ? []
      : Object.entries(OUTPUTS).filter(([name]) => OUTPUT_ONLY[name]?.(action) ?? true);

const UPLOAD = 'actions/upload-artifact@bbbca2ddaa5d8feaa63e36b76fdaad77386f024f';
/** The action that fetches an artifact, pinned. */
export const DOWNLOAD = 'actions/download-artifact@3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c';
/** The action that checks a repository out, pinned. */
export const CHECKOUT = 'actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1';
const VERSIONS: Readonly<Record<string, string>> = { [UPLOAD]: 'v7.0.0', [DOWNLOAD]: 'v8.0.1', [CHECKOUT]: 'v7.0.1' };

/** The text with the version beside each pinned action, which YAML values cannot carry. */
export const withVersions = (yaml: string): string =>
  yaml.replace(
    /(uses: )(\S+@[0-9a-f]{40})$/gm,
    (_, uses: string, what: string) => `${uses}${what} # ${VERSIONS[what] ?? ''}`,
  );

/** The text of actions/<action>/action.yml. */
export function stageActionText(action: ActionName): string {
  const inputs = inputsOf(action);
  const stage = stageOf(action);
  const folder = (way: 'in' | 'out'): string => `kuscia-swarm/${action}-${way}`;
  const path = (way: 'in' | 'out'): string =>
    `\${{ inputs.artifacts && format('{0}/${folder(way)}', runner.temp) || '' }}`;
  const mode = stage?.judges ? 'verify' : operatedBy(action)?.mode;
  const env = {
    ...ACTION_VARIABLES,
    ...(stage !== undefined && { [inputVariable('stage')]: stage.name }),
    ...(mode !== undefined && { [inputVariable('mode')]: mode }),
    ...Object.fromEntries(
      inputs
        .filter(({ name }) => name !== 'artifacts')
        .map(({ name }) => [inputVariable(name as InputName), `\${{ inputs.${name} }}`]),
    ),
    ...(TAKES(action) && { [inputVariable('artifacts-in')]: path('in') }),
    ...(GIVES(action) && { [inputVariable('artifacts-out')]: path('out') }),
    ...(exchanges(action) && { KUSCIA_SWARM_ARTIFACTS: '${{ inputs.artifacts }}' }),
    ...(TAKES(action) && { KUSCIA_SWARM_FETCHED: '${{ steps.fetch.outcome }}' }),
    ...(LOGS(action) && {
      [inputVariable('logs-out')]:
        `\${{ inputs.seal-key && format('{0}/kuscia-swarm/${action}-logs', runner.temp) || '' }}`,
    }),
  };
  // The bundle reports a failed download, with its consequence.
  const download = {
    if: "inputs.artifacts != ''",
    id: 'fetch',
    'continue-on-error': true,
    uses: DOWNLOAD,
    with: { pattern: '${{ inputs.artifacts }}.*', path: `\${{ runner.temp }}/${folder('in')}` },
  };
  const where = inputs.some(({ name }) => name === 'host') ? 'inputs.host || inputs.here' : 'inputs.here';
  const name = `.\${{ github.run_attempt }}.\${{ github.job }}.${action}\${{ (${where}) && format('.{0}', ${where}) || '' }}`;
  const upload = {
    if: "inputs.artifacts != '' && steps.stage.outputs.handed-over > 0",
    uses: UPLOAD,
    with: {
      name: `\${{ inputs.artifacts }}${name}`,
      path: `\${{ runner.temp }}/${folder('out')}`,
      'retention-days': 1,
      'if-no-files-found': 'error',
    },
  };
  // Named differently from the exchanged artifacts: these are for people, and are kept when the others are deleted at the end.
  const uploadLogs = {
    if: 'failure() && steps.stage.outputs.logs > 0',
    uses: UPLOAD,
    with: {
      name: `\${{ inputs.artifacts || 'kuscia-swarm' }}-logs${name}`,
      path: `\${{ runner.temp }}/kuscia-swarm/${action}-logs`,
      'retention-days': 1,
      'if-no-files-found': 'error',
    },
  };
  const document = {
    name: `kuscia-swarm ${action}`,
    description: `${wordsOf(action, 'english').brings}.`,
    author: 'kuscia-swarm contributors',
    inputs: Object.fromEntries(
      inputs.map((input) => [
        input.name,
        {
          description: neededText(input),
          required: input.needed?.english === 'always',
          ...(input.default === undefined ? {} : { default: input.default }),
        },
      ]),
    ),
    ...(outputsOf(action).length > 0 && {
      outputs: Object.fromEntries(
        outputsOf(action).map(([name, { description }]) => [
          name,
          { description, value: `\${{ steps.stage.outputs.${name} }}` },
        ]),
      ),
    }),
    runs: {
      using: 'composite',
      steps: [
        ...(TAKES(action) ? [download] : []),
        {
          id: 'stage',
          shell: 'bash',
          run: 'exec bash "$GITHUB_ACTION_PATH/../run.sh" "$GITHUB_ACTION_PATH/../../dist/index.cjs"',
          env,
        },
        ...(GIVES(action) ? [upload] : []),
        ...(LOGS(action) ? [uploadLogs] : []),
      ],
    },
  };
  return HEAD + withVersions(stringify(document, { lineWidth: 0 }));
}

const WORDS = {
  english: {
    before: 'Runs after',
    none: 'nothing',
    more: 'All stages, and what they require of the runner',
    file: 'Cluster file',
    clusterFile: 'cluster-file.md',
    gap: ' ',
  },
  chinese: {
    before: '前置阶段',
    none: '无',
    more: '所有阶段及其对运行器的要求',
    file: '集群文件',
    clusterFile: 'cluster-file.zh.md',
    gap: '',
  },
} as const;

/** The page of a stage's action. */
export function stagePage(stage: ActionName, language: Language): string {
  const words = { ...HEADINGS[language], ...WORDS[language] };
  const { colon } = words;
  const { brings, detail } = wordsOf(stage, language);
  const before =
    (stageOf(stage)?.needs ?? []).map((name) => `[\`${name}\`](../${name}/${words.readme})`).join(', ') || words.none;
  const inputs = inputsOf(stage).map((input) => [
    `\`${input.name}\``,
    input.needed?.[language] ?? words.notRequired,
    input.default === undefined ? '' : `\`${input.default}\``,
    language === 'english' ? input.description : input.chinese,
  ]);
  const outputs = outputsOf(stage).map(([name, output]) => [
    `\`${name}\``,
    language === 'english' ? output.description : output.chinese,
  ]);
  return [
    `<!-- Generated by npm run generate; do not edit. -->\n# ${stage}`,
    `**${brings}${words.end}** ${detail}`,
    words.other,
    `\`\`\`yaml\n${example(stage)}\n\`\`\``,
    `${words.before}${colon}${before}${words.end}`,
    `## ${words.inputs}`,
    table(words.input, inputs),
    ...(outputs.length > 0 ? [`## ${words.outputs}`, table(words.output, outputs)] : []),
    `${words.more}${colon}[docs/${words.list}](../../docs/${words.list})${words.end}${words.gap}${words.file}${colon}[docs/${words.clusterFile}](../../docs/${words.clusterFile})${words.end}\n`,
  ].join('\n\n');
}

/** Inputs of the usual case, a cluster reached over SSH, and the secrets that hold them. */
const USUAL: readonly [InputName, string][] = [
  ['cluster', 'cluster.yml'],
  ['ssh-key', '${{ secrets.KUSCIA_SSH_KEY }}'],
  ['known-hosts', '${{ secrets.KUSCIA_KNOWN_HOSTS }}'],
  ['database-password', '${{ secrets.KUSCIA_DATABASE_PASSWORD }}'],
];

/** A step that uses the stage's action. */
export const example = (stage: ActionName): string =>
  [
    `- uses: OWNER/kuscia-swarm/actions/${stage}@v1`,
    '  with:',
    ...USUAL.filter(([name]) => inputsOf(stage).some((input) => input.name === name && input.needed !== HERE)).map(
      ([name, value]) => `    ${name}: ${value}`,
    ),
  ].join('\n');

/** The table of all stages for docs/actions.md. */
export function stageTable(language: Language): string {
  const heads = { english: ['action', 'result', 'runs after'], chinese: ['action', '结果', '前置阶段'] }[language];
  const { readme } = HEADINGS[language];
  const rows = DEFINITIONS.map(({ name, purpose, needs }) => [
    `[\`${name}\`](../actions/${name}/${readme})`,
    purpose[language],
    needs.map((need) => `\`${need}\``).join(', '),
  ]);
  return table(heads, rows);
}
