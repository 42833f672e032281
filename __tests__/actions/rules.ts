import {
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type Node,
  type Pair,
  type ParsedNode,
  type YAMLMap,
} from 'yaml';

/** A workflow or action file, as the rules read it. */
export interface File {
  /** Relative to the root of the repository. */
  readonly path: string;
  readonly root: YAMLMap;
  lineOf(node: unknown): number;
}

/** A violation of a rule: its place in the file, and the remedy. */
interface Finding {
  readonly at: unknown;
  readonly what: string;
}

interface Rule {
  readonly name: string;
  findings(file: File): Finding[];
}

/** Reads a workflow or an action file. Throws with its path if it is not a YAML mapping. */
export function read(path: string, text: string): File {
  const lines = new LineCounter();
  const { contents, errors } = parseDocument(text, { lineCounter: lines });
  if (errors[0] || !isMap(contents)) throw new Error(`${path}: ${errors[0]?.message ?? 'no mapping'}`);
  return { path, root: contents, lineOf: (node) => lines.linePos((node as ParsedNode).range?.[0] ?? 0).line };
}

/** Every rule that a file breaks, one line each: path, line, what to do. */
export const broken = (file: File): string[] =>
  RULES.flatMap((rule) => rule.findings(file).map(({ at, what }) => `${file.path}:${file.lineOf(at)}: ${what}`));

const at = (node: unknown, ...keys: string[]): unknown =>
  keys.reduce<unknown>((inner, key) => (isMap(inner) ? inner.get(key, true) : undefined), node);
const textOf = (node: unknown): string => (isScalar(node) ? String(node.value) : '');
const pairsOf = (node: unknown): Pair<Node, unknown>[] => (isMap<Node>(node) ? node.items : []);
const listOf = (node: unknown): unknown[] => (isSeq(node) ? node.items : []);

const isAction = ({ root }: File): boolean => root.has('runs');
/** Templates are copied into the repositories of those who call. */
const isTemplate = ({ path }: File): boolean => path.startsWith('workflows/');

/** The triggers of a workflow, each with its place. */
function triggers({ root }: File): [name: string, at: unknown][] {
  const on = at(root, 'on');
  if (isMap<Node>(on)) return on.items.map(({ key }) => [textOf(key), key]);
  return (isSeq(on) ? on.items : [on]).map((item) => [textOf(item), item]);
}

const isCallable = (file: File): boolean => triggers(file).some(([name]) => name === 'workflow_call');

interface Job {
  readonly name: string;
  readonly key: Node;
  readonly body: unknown;
}

const jobs = ({ root }: File): Job[] =>
  pairsOf(at(root, 'jobs')).map(({ key, value }) => ({ name: textOf(key), key, body: value }));
const steps = (file: File): unknown[] => [
  ...listOf(at(file.root, 'runs', 'steps')),
  ...jobs(file).flatMap(({ body }) => listOf(at(body, 'steps'))),
];
/** What steps and jobs use: each the scalar after `uses:`. */
const usesOf = (of: readonly unknown[]): unknown[] =>
  of.map((node) => at(node, 'uses')).filter((node) => node !== undefined);
const uses = (file: File): unknown[] => usesOf([...steps(file), ...jobs(file).map(({ body }) => body)]);
const stepsUsing = (file: File, action: string): unknown[] =>
  steps(file).filter((step) => textOf(at(step, 'uses')).startsWith(`${action}@`));

const PINNED = /^[\w.-]+\/[\w./-]+@[0-9a-f]{40}$/;
/** How a template names this repository, before it is copied. */
const OURS = /^OWNER\/kuscia-swarm(?:\/[\w./-]+)?@v\d+$/;

/**
 * Jobs of callable workflows that take the permissions of the job that calls, and why. GitHub starts no run whose callee asks for
 * more than the caller grants; what these do is left out where the caller grants too little.
 */
export const INHERITING: Readonly<Record<string, string>> = {
  '.github/workflows/deploy.yml approve':
    'reads the rules of the environment if the caller grants actions: read or more',
  '.github/workflows/deploy.yml clean-up': 'deletes artifacts if the caller grants actions: write',
  '.github/workflows/verify.yml clean-up': 'deletes artifacts if the caller grants actions: write',
  '.github/workflows/verify.yml report': 'keeps an issue where the caller grants issues: write',
};

/** The rules for every workflow, template and action of this repository. */
export const RULES: readonly Rule[] = [
  {
    name: 'third-party actions are pinned to a commit, with the version beside it',
    findings: (file) =>
      uses(file).flatMap((node) => {
        const used = textOf(node);
        if (/^(?:\.|\$)\//.test(used) || (isTemplate(file) && OURS.test(used))) return [];
        if (!PINNED.test(used)) return [{ at: node, what: `pin ${used} to a full commit` }];
        return /^ v\d+\.\d+\.\d+$/.test((node as Node).comment ?? '')
          ? []
          : [{ at: node, what: `say the version of ${used} beside it, as # v1.2.3` }];
      }),
  },
  {
    name: 'nothing is interpolated into a shell script',
    findings: (file) =>
      steps(file).flatMap((step) => {
        const run = at(step, 'run');
        return textOf(run).includes('${{')
          ? [{ at: run, what: 'hand the value over by env: an expression in run: becomes part of the program' }]
          : [];
      }),
  },
  {
    name: 'nothing is used from the folder of the caller',
    findings: (file) =>
      isAction(file) || isCallable(file)
        ? usesOf(steps(file))
            .filter((node) => textOf(node).startsWith('./'))
            .map((node) => ({
              at: node,
              what: `${textOf(node)} is looked for in the caller's repository; write $${textOf(node).slice(1)}`,
            }))
        : [],
  },
  {
    name: 'parts of this repository are named by path, without a version',
    findings: (file) =>
      uses(file)
        .filter((node) => /^\$\/(?:$|.*@)/.test(textOf(node)))
        .map((node) => ({ at: node, what: `${textOf(node)} is refused by runners: $/ takes a path, and no version` })),
  },
  {
    name: 'an action’s steps run in bash',
    findings: (file) =>
      isAction(file)
        ? steps(file)
            .filter((step) => at(step, 'run') !== undefined && textOf(at(step, 'shell')) !== 'bash')
            .map((step) => ({ at: step, what: 'write shell: bash; sh drops variables with a hyphen' }))
        : [],
  },
  {
    name: 'every job has a time limit',
    findings: (file) =>
      jobs(file)
        .filter(({ body }) => at(body, 'uses') === undefined && !(Number(textOf(at(body, 'timeout-minutes'))) > 0))
        .map(({ key, name }) => ({ at: key, what: `give the job ${name} timeout-minutes` })),
  },
  {
    name: 'every job states its permissions, and the workflow grants none to all',
    findings: (file) => {
      if (isAction(file)) return [];
      const all = at(file.root, 'permissions');
      const silent = jobs(file).filter(({ body }) => !isMap(at(body, 'permissions')));
      const inherits = ({ name }: Job): boolean =>
        triggers(file).every(([trigger]) => trigger === 'workflow_call') && `${file.path} ${name}` in INHERITING;
      return [
        ...silent
          .filter((job) => !inherits(job))
          .map(({ key, name }) => ({
            at: key,
            what: `give the job ${name} the permissions that it needs, each by name`,
          })),
        ...(isMap(all) && all.items.length === 0
          ? []
          : all === undefined && silent.some(inherits)
            ? []
            : [{ at: all ?? file.root, what: 'write permissions: {} for the workflow; its jobs say what they need' }]),
      ];
    },
  },
  {
    name: 'no token stays in the checked-out folder',
    findings: (file) =>
      stepsUsing(file, 'actions/checkout')
        .filter((step) => textOf(at(step, 'with', 'persist-credentials')) !== 'false')
        .map((step) => ({ at: step, what: 'write persist-credentials: false' })),
  },
  {
    name: 'no foreign code runs with the permissions of this repository',
    findings: (file) =>
      triggers(file)
        .filter(([name]) => ['pull_request_target', 'workflow_run'].includes(name))
        .map(([name, node]) => ({
          at: node,
          what: `take another trigger than ${name}, which runs strangers' changes with this repository's secrets`,
        })),
  },
  {
    name: 'no artifact collides with another attempt, and none of a caller is kept for long',
    findings: (file) =>
      stepsUsing(file, 'actions/upload-artifact').flatMap((step) => [
        ...(/\$\{\{ *github\.run_attempt *\}\}/.test(textOf(at(step, 'with', 'name')))
          ? []
          : [
              {
                at: step,
                what: 'put ${{ github.run_attempt }} into the name: a second attempt cannot overwrite the first one’s artifact',
              },
            ]),
        ...((isAction(file) || isCallable(file)) && textOf(at(step, 'with', 'retention-days')) !== '1'
          ? [{ at: step, what: 'write retention-days: 1' }]
          : []),
      ]),
  },
];
