import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import ts from 'typescript';
import { PROOF } from '../src/cluster/matrix.ts';
import { CODES, codeNumber, type Code } from '../src/engine/errors.ts';
import { OPERATIONS } from '../src/operations/index.ts';
import { STAGES } from '../src/stages/index.ts';

const ROOT = join(import.meta.dirname, '..');
const SRC = join(ROOT, 'src');

/** The rooms from the outermost inwards: a file may import from its own room and from those further in. */
const FLOORS: readonly (readonly string[])[] = [
  ['main'],
  ['app', 'lifetime'],
  ['task'],
  ['jobs'],
  ['inputs', 'report', 'github', 'artifacts', 'transport', 'stages', 'diagnosis'],
  ['operations'],
  ['docker', 'mysql', 'kuscia', 'nginx', 'host'],
  ['cluster', 'engine'],
];

/** Rooms that may import from another room of the same level. */
const NEIGHBOURS: Readonly<Record<string, readonly string[]>> = {
  cluster: ['engine'],
  // Tools are queried through Docker, and the state of a host is read in the same way.
  mysql: ['docker', 'host'],
  kuscia: ['docker', 'host', 'mysql'],
  nginx: ['docker', 'host', 'kuscia'],
  docker: ['host'],
  // Sealing knows whether a text can be a seal key; the definition of a stage knows which inputs it takes.
  inputs: ['artifacts', 'stages'],
  // Issues and comments show the content of the report in the same words.
  github: ['report'],
};

/** The entry of the second bundle: it wires its parts together as main does. */
const ENTRY = 'github/main.ts';

/** Files that may touch the outside world. */
const OUTSIDE = ['transport', 'report', 'github', 'inputs', 'artifacts', 'main'];
const OUTSIDE_MODULES =
  /^(@actions\/.*|node-ssh|ssh2|(node:)?(fs|fs\/promises|process|child_process|net|http|https|tls|dgram|worker_threads))$/;

interface Source {
  readonly name: string;
  readonly room: string;
  readonly text: string;
  readonly imports: readonly string[];
}

const roomOf = (name: string): string =>
  name === ENTRY ? 'main' : name.includes('/') ? (name.split('/')[0] ?? '') : name.replace(/\.ts$/, '');

const SOURCES: readonly Source[] = readdirSync(SRC, { recursive: true })
  .map(String)
  .filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))
  .map((name) => {
    const text = readFileSync(join(SRC, name), 'utf8');
    return {
      name,
      room: roomOf(name),
      text,
      imports: [
        ...text.matchAll(/^(?:import|export)\b[^;]*?from '([^']+)'|\bimport\(\s*'([^']+)'|^import '([^']+)'/gm),
      ].map((match) => match[1] ?? match[2] ?? match[3] ?? ''),
    };
  });

const floorOf = (room: string): number => FLOORS.findIndex((rooms) => rooms.includes(room));
const near = (source: Source): string[] =>
  source.imports
    .filter((from) => from.startsWith('.'))
    .map((from) => relative(SRC, join(SRC, dirname(source.name), from)));

/** Whether a file of one room may import one of the other. */
function allowed(from: string, to: string): boolean {
  if (from === to || NEIGHBOURS[from]?.includes(to)) return true;
  return floorOf(from) < floorOf(to);
}

/** Tables of prose with one entry per line: their lines are as long as their sentences. */
const TABLES = [
  'cluster/schema.ts',
  'cluster/schema.zh.ts',
  'inputs/catalogue.ts',
  'github/catalogue.ts',
  'diagnosis/faults.ts',
];
const isGenerated = ({ text }: Source): boolean => text.startsWith('// Generated from ');

/**
 * The lines of a source over 120 columns, except in multi-line programs (shell, awk) and regular expressions, which no
 * formatter breaks.
 */
function longLines({ name, text }: Pick<Source, 'name' | 'text'>): string[] {
  const source = ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true);
  const spared: [from: number, to: number][] = [];
  const visit = (node: ts.Node): void => {
    const isProgram = ts.isTemplateLiteral(node) && node.getText().includes('\n');
    if (isProgram || ts.isRegularExpressionLiteral(node)) spared.push([node.getStart(), node.getEnd()]);
    else ts.forEachChild(node, visit);
  };
  visit(source);
  return text.split('\n').flatMap((line, i) => {
    const over = (source.getLineStarts()[i] ?? 0) + 120;
    return line.length > 120 && !spared.some(([from, to]) => from <= over && over < to) ? [`${name}:${i + 1}`] : [];
  });
}

describe('the rooms', () => {
  test('are all known, and contain sources', () => {
    expect(SOURCES.length).toBeGreaterThan(20);
    expect([...new Set(SOURCES.map(({ room }) => room))].filter((room) => floorOf(room) === -1)).toEqual([]);
  });

  test('import only inwards', () => {
    const wrong = SOURCES.flatMap((source) =>
      near(source)
        .filter((to) => !allowed(source.room, roomOf(to)))
        .map((to) => `${source.name} -> ${to}`),
    );
    expect(wrong).toEqual([]);
  });

  test('have no stage that imports another: what two of them need is in a file of its own', () => {
    const isStage = (name: string): boolean => STAGES.some((stage) => name === `stages/${stage}.ts`);
    const wrong = SOURCES.filter(({ name }) => name.startsWith('stages/') && name !== 'stages/index.ts').flatMap(
      (source) =>
        near(source)
          .filter(isStage)
          .map((to) => `${source.name} -> ${to}`),
    );
    expect(wrong).toEqual([]);
  });

  test('have no import cycles, not even within a room', () => {
    const edges = new Map(SOURCES.map((source) => [source.name, near(source)]));
    const done = new Set<string>();
    const cycles: string[] = [];
    const walk = (name: string, path: readonly string[]): void => {
      if (path.includes(name)) cycles.push([...path.slice(path.indexOf(name)), name].join(' -> '));
      if (done.has(name) || path.includes(name)) return;
      for (const next of edges.get(name) ?? []) walk(next, [...path, name]);
      done.add(name);
    };
    for (const { name } of SOURCES) walk(name, []);
    expect(cycles).toEqual([]);
  });

  test('leave octokit to the bundle that needs it', () => {
    const reached = new Set(['main.ts']);
    for (const name of reached)
      for (const next of near(SOURCES.find((source) => source.name === name)!)) reached.add(next);
    expect(reached.size).toBeGreaterThan(50);
    expect([...reached].filter((name) => name.startsWith('github/'))).toEqual([]);
    expect(SOURCES.filter(({ imports }) => imports.includes('@actions/github')).map(({ name }) => name)).toEqual([
      'github/api.ts',
    ]);
  });

  test('touch the outside world only where that is allowed', () => {
    const wrong = SOURCES.filter(({ room }) => !OUTSIDE.includes(room)).flatMap((source) => [
      ...source.imports.filter((from) => OUTSIDE_MODULES.test(from)).map((from) => `${source.name} imports ${from}`),
      // main passes the process to lifetime under that name.
      ...(source.name !== 'lifetime.ts' &&
      /(?<![\w.'"])process\.(?:env|stdout|stderr|stdin|exit|exitCode|argv|cwd|on)\b/.test(source.text)
        ? [`${source.name} uses process`]
        : []),
      ...(/(?<![\w.'"])console\.\w/.test(source.text) ? [`${source.name} prints`] : []),
    ]);
    expect(wrong).toEqual([]);
  });

  test('have no line over 120 columns except data', () => {
    expect(TABLES.filter((name) => !SOURCES.some((source) => source.name === name))).toEqual([]);
    const held = SOURCES.filter((source) => !TABLES.includes(source.name) && !isGenerated(source));
    expect(held.flatMap(longLines)).toEqual([]);
    const [long, short] = ['x'.repeat(120), 'x'.repeat(80)];
    const text = `'${long}';\n/* ${long} */\n\`${long}\`;\n'${short}';\n/${long}/;\n\`\n${long}x\n\`;\n`;
    expect(longLines({ name: 'a.ts', text })).toEqual(['a.ts:1', 'a.ts:2', 'a.ts:3']);
  });

  test('know nothing about single operations: what one does, takes, shows and leaves is in its own file', () => {
    const modes = Object.keys(OPERATIONS).join('|');
    const apart = new RegExp(
      `\\bmode\\b[\\w.)\\]]* (===|!==) '(${modes})'|(===|!==|includes\\() ?'${PROOF}'|case '(${modes})':`,
    );
    expect(SOURCES.filter(({ text }) => apart.test(text)).map(({ name }) => name)).toEqual([]);
    expect(
      ["mode === 'plan'", "request.mode !== 'check'", "name === 'verify'", "stages.includes('verify')"].map((text) =>
        apart.test(text),
      ),
    ).toEqual([true, true, true, true]);
  });

  test('list every operation and nothing else', () => {
    const files = SOURCES.filter(
      ({ room, text }) => room === 'operations' && /^export const \w+: (OnHosts|Offline) = /m.test(text),
    );
    expect(files.map(({ name }) => name.replace(/^operations\/|\.ts$/g, '')).sort()).toEqual(
      Object.keys(OPERATIONS).sort(),
    );
  });

  test('consist of files that can be read in one sitting', () => {
    const long = SOURCES.filter((source) => !TABLES.includes(source.name) && !isGenerated(source))
      .map(({ name, text }) => ({ name, lines: text.trimEnd().split('\n').length }))
      .filter(({ lines }) => lines > 250);
    expect(long).toEqual([]);
  });

  test('import their neighbours by their file name', () => {
    expect(
      SOURCES.flatMap((source) =>
        source.imports
          .filter((from) => from.startsWith('.') && !from.endsWith('.ts') && !from.endsWith('.json'))
          .map((from) => `${source.name}: ${from}`),
      ),
    ).toEqual([]);
  });
});

describe.each(['docs/troubleshooting.md', 'docs/troubleshooting.zh.md'])('%s', (page) => {
  const headings = readFileSync(join(ROOT, page), 'utf8')
    .split(/^## /m)
    .filter((section) => section.startsWith('KS-'));
  const codes = Object.keys(CODES) as Code[];

  test('has exactly one section for each error code, in their order, with its name', () => {
    const told = headings.map((section) => `${section.split('\n')[0]} ${/\*\*`([a-z-]+)`/.exec(section)?.[1]}`);
    expect(told).toEqual(codes.map((code) => `${codeNumber(code)} ${code}`));
  });

  test('links only to sections that exist', () => {
    const links = [...headings.join('').matchAll(/\(#(ks-\d+)\)/g)].map((match) => match[1]);
    expect(links.filter((link) => !codes.some((code) => codeNumber(code).toLowerCase() === link))).toEqual([]);
  });
});
