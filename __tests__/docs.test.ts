import { existsSync, readFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import ts from 'typescript';
import { parse } from 'yaml';
import { readCluster } from '../src/cluster/read.ts';
import { failuresOf } from '../src/engine/errors.ts';
import { INPUT_LIST, optionOf } from '../src/inputs/catalogue.ts';

const ROOT = join(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const filesOf = (...patterns: string[]): string[] =>
  execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', ...patterns], {
    cwd: ROOT,
    encoding: 'utf8',
  })
    .split('\n')
    .filter((path) => path !== '' && existsSync(join(ROOT, path)));
const PAGES = filesOf('*.md').filter((path) => !path.startsWith('__tests__'));
/** Pages that only developers read, in English alone. */
const FOR_DEVELOPERS = ['docs/kuscia.md'];

interface Block {
  /** The line before it. */
  readonly before: string;
  readonly language: string;
  readonly text: string;
}

/** Every fenced block of a page. */
function allBlocks(page: string): Block[] {
  const lines = read(page).split('\n');
  const fences = lines.flatMap((line, i) => (/^ *```/.test(line) ? [i] : []));
  return fences.flatMap((from, i) => {
    if (i % 2 === 1) return [];
    const [, indent = '', language = ''] = /^( *)```(.*)$/.exec(lines[from] ?? '') ?? [];
    return [
      {
        before: lines[from - 1] ?? '',
        language,
        text: lines
          .slice(from + 1, fences[i + 1])
          .map((line) => line.slice(indent.length))
          .join('\n'),
      },
    ];
  });
}

/** Those in that language. */
const blocks = (page: string, language: string): Block[] =>
  allBlocks(page).filter((block) => block.language === language);

const scripts = (JSON.parse(read('package.json')) as { scripts: Record<string, string> }).scripts;

describe.each(PAGES)('%s', (page) => {
  test('links only to existing files', () => {
    const links = [
      ...read(page)
        .replace(/```[\s\S]*?```/g, '')
        .matchAll(/\]\((?!https?:|mailto:|#)([^)#\s]+)[^)]*\)/g),
    ].map(([, target = '']) => target);
    expect(links.filter((target) => !existsSync(join(ROOT, dirname(page), target)))).toEqual([]);
  });

  test('names only existing npm scripts', () => {
    const named = [...read(page).matchAll(/npm run (?:-s )?([a-z:]+)/g)].map(([, script = '']) => script);
    expect(named.filter((script) => !(script in scripts))).toEqual([]);
  });

  test('shows files as they are', () => {
    const shown = [...blocks(page, 'yaml')].flatMap(({ before, text }) => {
      const file = /^<!-- file: (\S+) -->$/.exec(before)?.[1];
      return file === undefined ? [] : [{ file, text }];
    });
    for (const { file, text } of shown) expect(text).toBe(read(file).trimEnd());
  });

  test('gives actions only inputs that they have', () => {
    const steps = blocks(page, 'yaml').flatMap(({ text }) => stepsIn(parse(text)));
    for (const { uses, with: given = {} } of steps) {
      const folder = /^OWNER\/kuscia-swarm(\/actions\/[a-z-]+)?@v1$/.exec(uses ?? '');
      if (!folder) continue;
      const { inputs } = parse(read(join('.', folder[1] ?? '', 'action.yml'))) as {
        inputs: Record<string, { required?: boolean; default?: string }>;
      };
      expect(Object.keys(given).filter((name) => !(name in inputs))).toEqual([]);
      expect(
        Object.entries(inputs)
          .filter(
            ([name, { required, default: preset }]) => required === true && preset === undefined && !(name in given),
          )
          .map(([name]) => name),
      ).toEqual([]);
    }
  });

  test('uses the root action like the workflow template, which the tests run', () => {
    const template =
      stepsIn(parse(read('workflows/deploy-single-job.yml'))).find(({ uses }) => uses === ROOT_ACTION)?.with ?? {};
    for (const { uses, with: given = {} } of blocks(page, 'yaml').flatMap(({ text }) => stepsIn(parse(text)))) {
      if (uses !== ROOT_ACTION) continue;
      const { 'seal-key': key, 'logs-out': logs, ...rest } = template;
      expect([key, logs]).not.toContain(undefined);
      expect(given).toEqual({ ...rest, ...('mode' in given && { mode: 'apply' }) });
    }
  });

  test('shows no block that is not tested', () => {
    const readers: Readonly<Record<string, (block: Block) => void>> = {
      // A picture, which GitHub draws.
      mermaid: () => undefined,
      yaml: ({ text }) => void (isCluster(parse(text)) && readCluster(text, page)),
      sh: ({ text }) => execFileSync('bash', ['--norc', '-n', '-c', text], { stdio: 'pipe' }),
      ts: ({ text }) =>
        expect(
          ts.transpileModule(text, { reportDiagnostics: true }).diagnostics?.map(({ messageText }) => messageText),
        ).toEqual([]),
      // __tests__/lab/deployment/rights.test.ts deploys with it.
      sudoers: ({ before }) => expect(before).toBe('<!-- file: /etc/sudoers.d/kuscia-swarm -->'),
      '': ({ text }) =>
        expect(
          faultsOf(
            blocks(page, 'yaml')
              .map((block) => block.text)
              .find((each) => isCluster(parse(each)))
              ?.replace('load-balancer', 'loadbalancer') ?? '',
          ),
        ).toContain(text),
    };
    for (const block of allBlocks(page)) {
      expect(Object.keys(readers)).toContain(block.language);
      readers[block.language]?.(block);
    }
  });

  test('uses only existing command line options', () => {
    const known = new Set(INPUT_LIST.map(({ name }) => `--${optionOf(name)}`));
    const used = blocks(page, 'sh')
      .filter(({ text }) => text.includes('dist/index.cjs'))
      .flatMap(({ text }) => text.match(/--[a-z-]+/g) ?? []);
    expect(used.filter((option) => !known.has(option))).toEqual([]);
  });
});

const ROOT_ACTION = 'OWNER/kuscia-swarm@v1';
const isCluster = (document: unknown): boolean =>
  typeof document === 'object' && document !== null && 'hosts' in document;

/** The faults of a cluster file, as reported. */
function faultsOf(cluster: string): string[] {
  try {
    readCluster(cluster, 'cluster.yml');
    return [];
  } catch (thrown) {
    return failuresOf(thrown).map(({ what }) => what);
  }
}

interface Step {
  readonly uses?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}

/** The steps of a workflow, of a job, of `steps:` alone, or of a bare list. */
function stepsIn(document: unknown): Step[] {
  if (Array.isArray(document)) return document as Step[];
  if (typeof document !== 'object' || document === null) return [];
  if ('steps' in document) return document.steps as Step[];
  if ('jobs' in document) return Object.values(document.jobs as Record<string, unknown>).flatMap(stepsIn);
  return [];
}

test('pages in English and Chinese come in pairs', () => {
  const chinese = PAGES.filter((page) => page.endsWith('.zh.md'));
  expect(chinese.filter((page) => !PAGES.includes(page.replace(/\.zh\.md$/, '.md')))).toEqual([]);
  const forUsers = PAGES.filter(
    (page) =>
      !page.endsWith('.zh.md') &&
      !FOR_DEVELOPERS.includes(page) &&
      /^(README|docs\/[^/]+|actions\/[^/]+\/README)\.md$/.test(page),
  );
  expect(forUsers.filter((page) => !PAGES.includes(page.replace(/\.md$/, '.zh.md')))).toEqual([]);
});

describe('docs/kuscia.md', () => {
  const PAGE = 'docs/kuscia.md';
  const headings = [...read(PAGE).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => anchorOf(heading));
  // The bundle is built from src, and compared with it elsewhere.
  const texts = filesOf()
    .filter((path) => !path.startsWith('dist/'))
    .map((path) => [path, read(path)] as const);

  test('is linked by its headings, which are unique', () => {
    const links = texts.flatMap(([path, text]) =>
      [...text.matchAll(/\bkuscia\.md#([\w-]*)/g)].map(([, anchor = '']) => [path, anchor] as const),
    );
    expect(links.length).toBeGreaterThan(40);
    expect(links.filter(([, anchor]) => !headings.includes(anchor))).toEqual([]);
    expect(
      [...read(PAGE).matchAll(/\]\(#([^)]*)\)/g)]
        .map(([, anchor = '']) => anchor)
        .filter((anchor) => !headings.includes(anchor)),
    ).toEqual([]);
    expect(headings).toEqual([...new Set(headings)]);
  });

  test('is not replaced by references to private notes', () => {
    expect(
      texts.filter(([, text]) => /kuscia[-]facts|README of the[ ]observation/i.test(text)).map(([path]) => path),
    ).toEqual([]);
  });
});

/** The anchor that GitHub gives a heading. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-');
}

/** The parts that both languages must share: sections by their number and level, with their content. */
interface Shared {
  readonly heading: string;
  readonly bullets: number;
  readonly rows: number;
  readonly blocks: readonly string[];
  readonly spans: readonly string[];
}

/** The sections of a page. Generated blocks have their own tests, and their words differ. */
function sharedIn(page: string): Shared[] {
  const text = read(page).replace(/<!-- generated: [\s\S]*?<!-- end: \S+ -->/g, '');
  // Remarks in code and the labels of pictures are in the language of the page.
  const unworded = (block: string): string =>
    (block.startsWith('```mermaid') ? block.replace(/"[^"]*"/g, '""') : block.replace(/ # .*$/gm, '')).replace(
      /\s+$/gm,
      '',
    );
  const fenced = (section: string): string[] =>
    [...section.matchAll(/^```.*\n[\s\S]*?^```$/gm)].map(([block]) => unworded(block));
  return text.split(/^(?=#{1,6} )/m).map((section) => {
    const prose = section.replace(/^```[\s\S]*?^```$/gm, '').split('\n');
    const indented = prose.filter((line) => line.startsWith('    '));
    const rest = prose.filter((line) => !line.startsWith('    '));
    return {
      heading: /^#+/.exec(section)?.[0] ?? '',
      bullets: rest.filter((line) => /^\s*([-*]|\d+\.) /.test(line)).length,
      rows: rest.filter((line) => line.startsWith('|')).length,
      blocks: [...fenced(section), ...indented],
      spans: [...new Set([...rest.join('\n').matchAll(/`([^`]+)`/g)].map(([, span = '']) => span))].sort(),
    };
  });
}

const PAIRS = PAGES.filter((page) => page.endsWith('.zh.md')).map(
  (chinese) => [chinese.replace(/\.zh\.md$/, '.md'), chinese] as const,
);

describe.each(PAIRS)('%s and %s', (english, chinese) => {
  const [here, there] = [sharedIn(english), sharedIn(chinese)];

  test('have the same headings and code blocks', () => {
    expect(there.map(({ heading }) => heading)).toEqual(here.map(({ heading }) => heading));
    expect(there.flatMap(({ blocks }) => blocks)).toEqual(here.flatMap(({ blocks }) => blocks));
  });
});

test('the Chinese reference of errors has, section by section, the points, rows and code of the English one', () => {
  const named = (page: string) => sharedIn(page).map((section, i) => ({ i, ...section }));
  expect(named('docs/troubleshooting.zh.md')).toEqual(named('docs/troubleshooting.md'));
});
