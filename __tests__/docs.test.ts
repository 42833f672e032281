import { existsSync, readFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { INPUT_LIST, optionOf } from '../src/inputs/catalogue.ts';

const ROOT = join(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const PAGES = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], { cwd: ROOT, encoding: 'utf8' }).split('\n').filter((path) => path !== '' && !path.startsWith('__tests__') && existsSync(join(ROOT, path)));

/** Every fenced block of a page in that language, with the line before it. */
const blocks = (page: string, language: string): { before: string; text: string }[] =>
  [...read(page).matchAll(new RegExp(`(?:^|\\n)([^\\n]*)\\n\`\`\`${language}\\n([\\s\\S]*?)\\n\`\`\``, 'g'))].map(([, before = '', text = '']) => ({ before, text }));

const scripts = (JSON.parse(read('package.json')) as { scripts: Record<string, string> }).scripts;

describe.each(PAGES)('%s', (page) => {
  test('links only to what is there', () => {
    const links = [...read(page).replace(/```[\s\S]*?```/g, '').matchAll(/\]\((?!https?:|mailto:|#)([^)#\s]+)[^)]*\)/g)].map(([, target = '']) => target);
    expect(links.filter((target) => !existsSync(join(ROOT, dirname(page), target)))).toEqual([]);
  });

  test('names only npm scripts that there are', () => {
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

  test('gives the actions inputs that they have', () => {
    const steps = blocks(page, 'yaml').flatMap(({ text }) => stepsIn(parse(text)));
    for (const { uses, with: given = {} } of steps) {
      const folder = /^OWNER\/kuscia-swarm(\/actions\/[a-z-]+)?@v1$/.exec(uses ?? '');
      if (!folder) continue;
      const { inputs } = parse(read(join('.', folder[1] ?? '', 'action.yml'))) as { inputs: Record<string, unknown> };
      expect(Object.keys(given).filter((name) => !(name in inputs))).toEqual([]);
    }
  });

  test('gives the command line options that it has', () => {
    const known = new Set(INPUT_LIST.map(({ name }) => `--${optionOf(name)}`));
    const used = blocks(page, 'sh').filter(({ text }) => text.includes('dist/index.cjs')).flatMap(({ text }) => text.match(/--[a-z-]+/g) ?? []);
    expect(used.filter((option) => !known.has(option))).toEqual([]);
  });
});

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
  const forUsers = PAGES.filter((page) => !page.endsWith('.zh.md') && /^(README|docs\/[^/]+|actions\/[^/]+\/README)\.md$/.test(page));
  expect(forUsers.filter((page) => !PAGES.includes(page.replace(/\.md$/, '.zh.md')))).toEqual([]);
});
