import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  parseDocument,
  visit,
  type Document,
  type Node,
  type Pair,
  type YAMLError,
  type YAMLMap,
} from 'yaml';
import { show, type Path } from './problem.ts';

/** A place in a text; both count from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** A YAML text as a plain value, and the way from a path of that value back to its place in the text. */
export interface Source {
  readonly value: unknown;
  /**
   * The keys of the outermost mapping, also where the text has faults; undefined where there is nothing to find keys
   * in.
   */
  readonly keys: readonly string[] | undefined;
  /** What is wrong with the text as YAML; when there is anything, the value is not to be used. */
  readonly faults: readonly TextFault[];
  /** Where the path's last part that the text has begins: characters from the start. */
  offset(path: Path, at: 'key' | 'value'): number;
  place(offset: number): Place;
}

/** Something wrong with the text, and where: characters from its start. */
export interface TextFault {
  readonly offset: number;
  readonly text: string;
}

/**
 * Largest text that is read, in characters; a hundred hosts need half of it. It bounds the time that checking can take.
 */
export const LONGEST_TEXT = 16 * 1024;

/** Aliases that are followed before the text is taken for a bomb. */
const MOST_ALIASES = 100;

/** Reads YAML 1.2 with plain values only: no tag makes an object, nothing is evaluated. Never throws. */
export function readSource(text: string): Source {
  const place = placesIn(text);
  const unread = (fault: string): Source => ({
    value: undefined,
    keys: undefined,
    faults: [{ offset: 0, text: fault }],
    offset: () => 0,
    place,
  });
  if (text.length > LONGEST_TEXT)
    return unread(`the file has ${text.length} characters; at most ${LONGEST_TEXT} are read`);
  try {
    const document = parseDocument(text, {
      prettyErrors: false,
      stringKeys: true,
      uniqueKeys: false,
      schema: 'core',
      logLevel: 'error',
    });
    const told = [...document.errors, ...document.warnings].map((error) => ({
      offset: error.pos[0],
      text: wording(error),
    }));
    const faults = [...told, ...aliasFaults(document), ...repeatedKeys(document)];
    const value: unknown = faults.length > 0 ? undefined : document.toJS({ maxAliasCount: MOST_ALIASES });
    const pairs = pairFinder();
    return { value, keys: keysOf(document), faults, offset: (path, at) => offsetOf(document, path, at, pairs), place };
  } catch (thrown) {
    return unread(`cannot be read as YAML: ${thrown instanceof Error ? oneLine(thrown.message) : 'unknown reason'}`);
  }
}

/** From an offset of the text to its line and column. */
function placesIn(text: string): (offset: number) => Place {
  const starts = [0, ...Array.from(text.matchAll(/\n/g), (match) => match.index + 1)];
  return (offset) => {
    const line = starts.findLastIndex((start) => start <= offset);
    return { line: line + 1, column: offset - (starts[line] ?? 0) + 1 };
  };
}

function keysOf({ contents }: Document): readonly string[] | undefined {
  if (contents === null || (isScalar(contents) && contents.value === null)) return undefined;
  return isMap(contents) ? contents.items.map(keyOf) : [];
}

/**
 * Keys that stand twice in one mapping. The parser can tell them too, but in time that grows with the square of their
 * number.
 */
function repeatedKeys(document: Document): TextFault[] {
  const faults: TextFault[] = [];
  visit(document, {
    Map(_, map) {
      const seen = new Set<string>();
      for (const pair of map.items) {
        const key = keyOf(pair);
        if (seen.has(key))
          faults.push({ offset: startOf(pair.key) ?? 0, text: `the key ${show(key)} stands twice in one mapping` });
        seen.add(key);
      }
    },
  });
  return faults;
}

/** Aliases without an anchor before them, or too many of them. */
function aliasFaults(document: Document): TextFault[] {
  const faults: TextFault[] = [];
  let count = 0;
  visit(document, {
    Alias(_, alias) {
      const offset = startOf(alias) ?? 0;
      if (++count > MOST_ALIASES) {
        faults.push({ offset, text: `more than ${MOST_ALIASES} aliases` });
        return visit.BREAK;
      }
      if (!alias.resolve(document))
        faults.push({ offset, text: 'an alias of an anchor that does not stand before it' });
      return undefined;
    },
  });
  return faults;
}

/** The parser's message, without the piece of the text that it may quote: that could be a secret. */
function wording(error: YAMLError): string {
  if (error.code === 'RESOURCE_EXHAUSTION') return 'nested too deeply';
  if (error.code === 'MULTIPLE_DOCS') return 'a second YAML document begins here; the file describes one cluster';
  if (error.code === 'TAG_RESOLVE_FAILED') return 'a tag (!...) that is not known; plain values need none';
  return oneLine(error.message.replace(/:? ["'].*/s, ''));
}

const oneLine = (text: string): string => text.replace(/\s+/g, ' ').slice(0, 120);

type FindPair = (map: YAMLMap, key: string) => Pair | undefined;

/** Finds pairs by key, with an index a mapping: thousands of faults in one mapping are looked up. */
function pairFinder(): FindPair {
  const indexes = new WeakMap<YAMLMap, Map<string, Pair>>();
  return (map, key) => {
    const index = indexes.get(map) ?? new Map(map.items.map((pair) => [keyOf(pair), pair]));
    indexes.set(map, index);
    return index.get(key);
  };
}

function offsetOf(document: Document, path: Path, at: 'key' | 'value', find: FindPair): number {
  let offset = startOf(document.contents) ?? 0;
  let node: unknown = document.contents;
  for (const [i, part] of path.entries()) {
    const last = i === path.length - 1;
    const resolved = isAlias(node) ? node.resolve(document) : node;
    if (isMap(resolved)) {
      const pair = find(resolved, String(part));
      if (!pair) return offset;
      offset = (last && at === 'value' ? startOf(pair.value) : undefined) ?? startOf(pair.key) ?? offset;
      node = pair.value;
    } else if (isSeq(resolved)) {
      node = resolved.items[Number(part)];
      if (node === undefined) return offset;
      offset = startOf(node) ?? offset;
    } else return offset;
  }
  return offset;
}

const keyOf = (pair: Pair): string => (isScalar(pair.key) ? String(pair.key.value) : '');

/** Where a node begins; an empty one (`key:` and no more) has no place of its own. */
function startOf(node: unknown): number | undefined {
  const range = (node as Node | null | undefined)?.range;
  return range && range[1] > range[0] ? range[0] : undefined;
}
