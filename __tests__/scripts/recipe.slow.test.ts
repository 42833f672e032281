import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { parse } from 'yaml';

const root = join(import.meta.dirname, '../..');
// The compiler reads everything once.
jest.setTimeout(120_000);

let tree = '';
const read = (path: string): string => readFileSync(join(tree, path), 'utf8');

/** Runs a program in the copy; returns its output. Throws if it fails. */
function ran(program: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(join(root, 'node_modules/.bin', program), args, {
    cwd: tree,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] },
  });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${status}\n${stdout}${stderr}`);
  return stdout;
}

/** Puts a text in place of another that must be there once. */
function change(path: string, from: string, to: string): void {
  const parts = read(path).split(from);
  expect([path, from, parts.length]).toEqual([path, from, 2]);
  writeFileSync(join(tree, path), parts.join(to));
}

/** The code that a recipe of CONTRIBUTING shows. */
function recipe(heading: string): string {
  const section = read('CONTRIBUTING.md').split(`## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  const [, code = ''] = /```ts\n(.*?) *```/s.exec(section) ?? [];
  return code.replaceAll(/^ {3}/gm, '');
}

/** Adds a stage of that name and code before verify. */
function addStage(name: string, code: string): void {
  writeFileSync(
    join(tree, `src/stages/${name}.ts`),
    [
      "import type { Cluster } from '../cluster/cluster.ts';",
      "import type { Container } from '../docker/containers.ts';",
      "import type { Fact } from '../engine/fact.ts';",
      "import { Plan } from '../engine/plan.ts';",
      code,
      'const planExample = (_: Cluster, __: Fact<Container>): Plan => new Plan();',
      '',
    ].join('\n'),
  );
  const index = 'src/stages/index.ts';
  change(index, '\nimport { verify }', `\nimport { ${name} } from './${name}.ts';\nimport { verify }`);
  change(index, '\n  verify,\n', `\n  ${name},\n  verify,\n`);
}

/** Adds an operation of that name after the one that records a host. */
function addOperation(name: string): void {
  const operation = read('src/operations/snapshot.ts')
    .replaceAll(/\bsnapshot: OnHosts|name: 'snapshot'/g, (text) => text.replace('snapshot', name))
    .replace("  offered: 'to jobs',\n", '')
    .replace(/does: \{[^}]*\}/, "does: { english: 'inspect the hosts', chinese: '只作检视' }")
    .replace(/brings: \{[^}]*\}/, "brings: { english: 'What is true of it', chinese: '检视的结果' }");
  writeFileSync(join(tree, `src/operations/${name}.ts`), operation);
  const index = 'src/operations/index.ts';
  change(index, '\nimport type { OnHosts,', `\nimport { ${name} } from './${name}.ts';\nimport type { OnHosts,`);
  change(index, 'divide, snapshot,', `divide, ${name}, snapshot,`);
}

/** Runs the copy for two hosts with a runner each; returns its log, and its outputs as passed to GitHub. */
function main(inputs: Readonly<Record<string, string>>): { readonly said: string; readonly outputs: string } {
  const [cluster, output] = [join(tree, 'two.yml'), join(tree, 'outputs')];
  const roles = ['manager, database, load-balancer, replica', 'replica'];
  const hosts = roles.map((role, i) => `  node-0${i + 1}: { address: 10.0.0.${i + 1}, roles: [${role}], via: local }`);
  writeFileSync(cluster, ['domain: alice', 'image: secretflow/kuscia:1.1.0b0', 'hosts:', ...hosts, ''].join('\n'));
  writeFileSync(output, '');
  const { stdout } = spawnSync(join(root, 'node_modules/.bin/node'), ['src/main.ts'], {
    cwd: tree,
    encoding: 'utf8',
    env: {
      PATH: process.env['PATH'],
      GITHUB_ACTIONS: 'true',
      GITHUB_OUTPUT: output,
      GITHUB_WORKSPACE: tree,
      INPUT_CLUSTER: 'two.yml',
      ...inputs,
    },
  });
  return { said: stdout, outputs: readFileSync(output, 'utf8') };
}

beforeAll(() => {
  tree = mkdtempSync(join(tmpdir(), 'recipe-'));
  const listed = spawnSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], {
    cwd: root,
    encoding: 'utf8',
  });
  for (const path of listed.stdout.split('\0')) {
    // A listed file may have been deleted since.
    if (path === '' || path.startsWith('dist/') || !existsSync(join(root, path))) continue;
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    cpSync(join(root, path), join(tree, path));
  }
  symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'));

  const stage = recipe('Add a stage');
  addStage('example', stage);
  // The same for clusters with a database of their own.
  addStage(
    'sometimes',
    stage
      .replaceAll(/\bexample\b/g, 'sometimes')
      .replace('  needs:', "  appliesTo: ({ database }) => database.kind === 'external',\n  needs:"),
  );
  change('src/stages/verify.ts', "needs: ['nginx-lb']", "needs: ['nginx-lb', 'example', 'sometimes']");

  addOperation('inspect');
  ran('node', ['scripts/generate.ts']);
});
afterAll(() => rmSync(tree, { recursive: true }));

describe('a stage added as CONTRIBUTING describes', () => {
  interface Action {
    readonly inputs: Readonly<Record<string, unknown>>;
    readonly runs: {
      readonly steps: readonly { readonly id?: string; readonly env?: Readonly<Record<string, string>> }[];
    };
  }
  interface Job {
    readonly if?: string;
    readonly needs: readonly string[];
    readonly strategy?: Readonly<Record<string, unknown>>;
    readonly steps: readonly { readonly uses?: string; readonly with?: Readonly<Record<string, string>> }[];
  }

  test('has an action, with the inputs that it takes', () => {
    const { inputs, runs } = parse(read('actions/example/action.yml')) as Action;
    for (const name of ['cluster', 'ssh-key', 'registry-password', 'host', 'lock-wait'])
      expect(inputs).toHaveProperty([name]);
    for (const name of ['kuscia-config', 'images', 'repair']) expect(inputs).not.toHaveProperty([name]);
    expect(runs.steps.find(({ id }) => id === 'stage')?.env?.['INPUT_STAGE']).toBe('example');
  });

  test('has a job, after those that it needs and before those that need it', () => {
    const { jobs } = parse(read('.github/workflows/deploy.yml')) as { readonly jobs: Readonly<Record<string, Job>> };
    const job = jobs['example'];
    expect([job?.needs, job?.strategy, jobs['verify']?.needs]).toEqual([
      ['check', 'preflight'],
      { 'max-parallel': 1, matrix: { include: "${{ fromJSON(needs.check.outputs.jobs)['example'] }}" } },
      expect.arrayContaining(['nginx-lb', 'example', 'sometimes']),
    ]);
    const step = job?.steps.find(({ uses }) => uses === '$/actions/example');
    expect(step?.with?.['registry-password']).toContain('secrets.registry-password');
  });

  test.each([
    ['English', '', 'The state afterwards', 'Details to know.', 'Runs after: [`preflight`]'],
    ['Chinese', '.zh', '完成后的状态', '需要了解的事项。', '前置阶段：[`preflight`]'],
  ])('is in the docs in %s', (_, language, purpose, detail, before) => {
    const page = read(`actions/example/README${language}.md`);
    for (const text of [`**${purpose}`, detail, before, '`registry-password`']) expect(page).toContain(text);
    expect(read(`docs/actions${language}.md`)).toContain(
      `| [\`example\`](../actions/example/README${language}.md) | ${purpose} | \`preflight\` |`,
    );
    expect(read(`docs/action${language}.md`)).toMatch(/nginx-lb[,、] ?example[,、] ?sometimes[,、] ?verify/);
  });

  test('is a value of an input of the root action, and a job for each host if each has its own runner', () => {
    expect(read('action.yml')).toContain('nginx-lb, example, sometimes, verify');
    const [, jobs = '{}'] = /^jobs<<.*\n(.*)$/m.exec(main({ INPUT_MODE: 'divide' }).outputs) ?? [];
    const legs = JSON.parse(jobs) as Readonly<Record<string, readonly { readonly host: string }[]>>;
    expect(legs['example']?.map(({ host }) => host)).toEqual(['node-01', 'node-02']);
  });

  test('has no job if the cluster does not need it, and cannot be selected', () => {
    const { said, outputs } = main({ INPUT_MODE: 'divide' });
    expect([said, outputs]).toEqual([
      expect.stringContaining('the cluster file is valid'),
      expect.stringContaining('"sometimes":[]'),
    ]);
    // An empty matrix is an error to GitHub.
    const { jobs } = parse(read('.github/workflows/deploy.yml')) as { readonly jobs: Readonly<Record<string, Job>> };
    const none = "toJSON(fromJSON(needs.check.outputs.jobs)['sometimes']) != '[]'";
    expect([jobs['sometimes']?.if, jobs['example']?.if]).toEqual([
      expect.stringContaining(none),
      expect.not.stringContaining('toJSON'),
    ]);
    expect(main({ INPUT_MODE: 'check', INPUT_STAGE: 'sometimes' }).said).toContain(
      'stage names only what this cluster has no use for (sometimes)',
    );
  });
});

test('an operation added as CONTRIBUTING describes is a mode, with an action and docs in both languages', () => {
  expect(read('action.yml')).toContain('`inspect`: inspect the hosts.');
  expect(read('docs/action.zh.md')).toContain('`inspect` 只作检视');
  expect(read('actions/inspect/action.yml')).toContain('INPUT_MODE: inspect');
  expect(read('actions/inspect/README.md')).toContain('**What is true of it.**');
  expect(read('actions/inspect/README.zh.md')).toContain('**检视的结果。**');
  expect(main({ INPUT_MODE: 'inspec' }).said).toContain('did you mean "inspect"?');
});

test('added stages and operations pass the type check, and no generated file is stale', () => {
  expect(ran('tsc', ['-p', 'tsconfig.build.json', '--noEmit'])).toBe('');
  expect(ran('node', ['scripts/generate.ts', '--check'])).toMatch(/up to date/);
});
