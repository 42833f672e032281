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

/** A position in a text; both count from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** A YAML text as a plain value, with a way to find the position of a path in the text. */
export interface Source {
  readonly value: unknown;
  /**
   * The keys of the top-level mapping, even if the text has errors; undefined if the text is empty or unreadable.
   */
  readonly keys: readonly string[] | undefined;
  /** YAML errors; if there are any, the value must not be used. */
  readonly faults: readonly TextFault[];
  /** Offset in characters of the last part of the path that exists in the text. */
  offset(path: Path, at: 'key' | 'value'): number;
  place(offset: number): Place;
}

/** An error in the text, and its offset in characters. */
export interface TextFault {
  readonly offset: number;
  readonly text: string;
}

/**
 * Longest text accepted, in characters; a hundred hosts need half of it. Bounds the time that checks can take.
 */
export const MAX_TEXT_LENGTH = 16 * 1024;

/** Limit against alias bombs. */
const MAX_ALIASES = 100;

/** Parses YAML 1.2 into plain values; ignores tags that would construct objects. Never throws. */
export function readSource(text: string): Source {
  const place = positionsIn(text);
  const invalid = (fault: string): Source => ({
    value: undefined,
    keys: undefined,
    faults: [{ offset: 0, text: fault }],
    offset: () => 0,
    place,
  });
  if (text.length > MAX_TEXT_LENGTH)
    return invalid(`the file is too large: ${text.length} characters; at most ${MAX_TEXT_LENGTH} are allowed`);
  try {
    const document = parseDocument(text, {
      prettyErrors: false,
      stringKeys: true,
      uniqueKeys: false,
      schema: 'core',
      logLevel: 'error',
    });
    const parserErrors = [...document.errors, ...document.warnings].map((error) => ({
      offset: error.pos[0],
      text: safeMessage(error),
    }));
    const faults = [...parserErrors, ...aliasFaults(document), ...duplicateKeys(document)];
    const value: unknown = faults.length > 0 ? undefined : document.toJS({ maxAliasCount: MAX_ALIASES });
    const pairs = pairFinder();
    return { value, keys: keysOf(document), faults, offset: (path, at) => offsetOf(document, path, at, pairs), place };
  } catch (thrown) {
    return invalid(`is not valid YAML: ${thrown instanceof Error ? oneLine(thrown.message) : 'unknown reason'}`);
  }
}

/** Converts an offset to line and column. */
function positionsIn(text: string): (offset: number) => Place {
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
 * Reports duplicate keys in one mapping. The parser can do this too, but in quadratic time.
 */
function duplicateKeys(document: Document): TextFault[] {
  const faults: TextFault[] = [];
  visit(document, {
    Map(_, map) {
      const seen = new Set<string>();
      for (const pair of map.items) {
        const key = keyOf(pair);
        if (seen.has(key)) faults.push({ offset: startOf(pair.key) ?? 0, text: `duplicate key ${show(key)}` });
        seen.add(key);
      }
    },
  });
  return faults;
}

/** Reports aliases without a preceding anchor, and too many aliases. */
function aliasFaults(document: Document): TextFault[] {
  const faults: TextFault[] = [];
  let count = 0;
  visit(document, {
    Alias(_, alias) {
      const offset = startOf(alias) ?? 0;
      if (++count > MAX_ALIASES) {
        faults.push({ offset, text: `more than ${MAX_ALIASES} aliases` });
        return visit.BREAK;
      }
      if (!alias.resolve(document)) faults.push({ offset, text: 'alias without a preceding anchor' });
      return undefined;
    },
  });
  return faults;
}

/** The parser's message without quoted text, which could be a secret. */
function safeMessage(error: YAMLError): string {
  if (error.code === 'RESOURCE_EXHAUSTION') return 'nested too deeply';
  if (error.code === 'MULTIPLE_DOCS') return 'a second YAML document starts here; the file must contain only one';
  if (error.code === 'TAG_RESOLVE_FAILED') return 'unknown tag (!...); remove it';
  return oneLine(error.message.replace(/:? ["'].*/s, ''));
}

const oneLine = (text: string): string => text.replace(/\s+/g, ' ').slice(0, 120);

type FindPair = (map: YAMLMap, key: string) => Pair | undefined;

/** Finds pairs by key with an index per mapping, because a mapping can have thousands of errors. */
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

/** Where a node starts; undefined for an empty one (`key:` without a value). */
function startOf(node: unknown): number | undefined {
  const range = (node as Node | null | undefined)?.range;
  return range && range[1] > range[0] ? range[0] : undefined;
}
