import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { CODES, codeNumber, type Code } from '../src/engine/errors.ts';
import { STAGES } from '../src/stages/names.ts';

const ROOT = join(import.meta.dirname, '..');
const SRC = join(ROOT, 'src');

/** The rooms from the outermost inwards: a file may import from its own room and from those further in. */
const FLOORS: readonly (readonly string[])[] = [
  ['main'],
  ['app', 'lifetime'],
  ['job', 'lock', 'proof'],
  ['inputs', 'report', 'github', 'artifacts', 'transport', 'stages', 'diagnosis'],
  ['docker', 'mysql', 'kuscia', 'nginx', 'host'],
  ['cluster', 'engine'],
];

/** Rooms of one floor that may look into another of it. */
const NEIGHBOURS: Readonly<Record<string, readonly string[]>> = {
  cluster: ['engine'],
  // A tool is asked through Docker, and what is on a host is read by the same means.
  mysql: ['docker', 'host'],
  kuscia: ['docker', 'host', 'mysql'],
  nginx: ['docker', 'host', 'kuscia'],
  docker: ['host'],
  // Whether a text can be a seal key is known where things are sealed.
  inputs: ['artifacts'],
  // Issues and comments show what the report shows, in the same words.
  github: ['report'],
};

/** The entry of the second bundle: it wires its parts together as main does. */
const ENTRY = 'github/main.ts';

/** Who may touch the outside world. */
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

/** The names of the stages are words, not stages: whoever reads inputs needs them. */
const WORDS = 'stages/names.ts';

/** Whether a file of one room may import one of the other. */
function allowed(from: string, to: string): boolean {
  if (from === to || NEIGHBOURS[from]?.includes(to)) return true;
  return floorOf(from) < floorOf(to);
}

describe('the rooms', () => {
  test('are all known, and there are sources in them', () => {
    expect(SOURCES.length).toBeGreaterThan(20);
    expect([...new Set(SOURCES.map(({ room }) => room))].filter((room) => floorOf(room) === -1)).toEqual([]);
  });

  test('import one way only: inwards', () => {
    const wrong = SOURCES.flatMap((source) =>
      near(source)
        .filter((to) => to !== WORDS && !allowed(source.room, roomOf(to)))
        .map((to) => `${source.name} -> ${to}`),
    );
    expect(wrong).toEqual([]);
  });

  test('know no stage by another: what two of them need stands beside them', () => {
    const isStage = (name: string): boolean => STAGES.some((stage) => name === `stages/${stage}.ts`);
    const wrong = SOURCES.filter(({ name }) => name.startsWith('stages/') && name !== 'stages/index.ts').flatMap(
      (source) =>
        near(source)
          .filter(isStage)
          .map((to) => `${source.name} -> ${to}`),
    );
    expect(wrong).toEqual([]);
  });

  test('have no cycles, within a room either', () => {
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

  test('touch the outside world only where they may', () => {
    const wrong = SOURCES.filter(({ room }) => !OUTSIDE.includes(room)).flatMap((source) => [
      ...source.imports.filter((from) => OUTSIDE_MODULES.test(from)).map((from) => `${source.name} imports ${from}`),
      // lifetime is given its process by main, under that name.
      ...(source.name !== 'lifetime.ts' &&
      /(?<![\w.'"])process\.(?:env|stdout|stderr|stdin|exit|exitCode|argv|cwd|on)\b/.test(source.text)
        ? [`${source.name} uses process`]
        : []),
      ...(/(?<![\w.'"])console\.\w/.test(source.text) ? [`${source.name} prints`] : []),
    ]);
    expect(wrong).toEqual([]);
  });

  test('consist of files that can be read at one sitting', () => {
    const generated = /^\/\/ Generated from /;
    const long = SOURCES.filter(({ text }) => !generated.test(text))
      .map(({ name, text }) => ({ name, lines: text.trimEnd().split('\n').length }))
      .filter(({ name, lines }) => lines > (/^stages\//.test(name) ? 250 : 450));
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

  test('links only to sections that are there', () => {
    const links = [...headings.join('').matchAll(/\(#(ks-\d+)\)/g)].map((match) => match[1]);
    expect(links.filter((link) => !codes.some((code) => codeNumber(code).toLowerCase() === link))).toEqual([]);
  });
});
