import { isAlias, isMap, isScalar, isSeq, parseDocument, visit, type Document, type Node, type Pair, type YAMLError } from 'yaml';
import { show, type Path } from './problem.ts';

/** A place in a text; both count from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** A YAML text as a plain value, and the way from a path of that value back to its place in the text. */
export interface Source {
  readonly value: unknown;
  /** What is wrong with the text as YAML; when there is anything, the value is not to be used. */
  readonly faults: readonly { readonly place: Place; readonly text: string }[];
  /** The place of the path's last part that the text has. */
  place(path: Path, at: 'key' | 'value'): Place;
}

/** Largest text that is read, in characters; a hundred hosts need half of it. It bounds the time that checking can take. */
export const LONGEST_TEXT = 16 * 1024;

/** Aliases that are followed before the text is taken for a bomb. */
const MOST_ALIASES = 100;

/** Reads YAML 1.2 with plain values only: no tag makes an object, nothing is evaluated. Never throws. */
export function readSource(text: string): Source {
  const placeOf = placesIn(text);
  const unread = (fault: string): Source => ({ value: undefined, faults: [{ place: { line: 1, column: 1 }, text: fault }], place: () => ({ line: 1, column: 1 }) });
  if (text.length > LONGEST_TEXT) return unread(`the file has ${text.length} characters; at most ${LONGEST_TEXT} are read`);
  try {
    const document = parseDocument(text, { prettyErrors: false, stringKeys: true, uniqueKeys: false, schema: 'core', logLevel: 'error' });
    const faults = [
      ...[...document.errors, ...document.warnings].map((error) => ({ place: placeOf(error.pos[0]), text: wording(error) })),
      ...[...aliasFaults(document), ...repeatedKeys(document)].map((fault) => ({ place: placeOf(fault.offset), text: fault.text })),
    ];
    const value: unknown = faults.length > 0 ? undefined : document.toJS({ maxAliasCount: MOST_ALIASES });
    return { value, faults, place: (path, at) => placeOf(offsetOf(document, path, at)) };
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

interface Fault {
  readonly offset: number;
  readonly text: string;
}

/** Keys that stand twice in one mapping. The parser can tell them too, but in time that grows with the square of their number. */
function repeatedKeys(document: Document): Fault[] {
  const faults: Fault[] = [];
  visit(document, {
    Map(_, map) {
      const seen = new Set<string>();
      for (const pair of map.items) {
        const key = keyOf(pair);
        if (seen.has(key)) faults.push({ offset: startOf(pair.key) ?? 0, text: `the key ${show(key)} stands twice in one mapping` });
        seen.add(key);
      }
    },
  });
  return faults;
}

/** Aliases without an anchor before them, or too many of them. */
function aliasFaults(document: Document): Fault[] {
  const faults: Fault[] = [];
  let count = 0;
  visit(document, {
    Alias(_, alias) {
      const offset = startOf(alias) ?? 0;
      if (++count > MOST_ALIASES) {
        faults.push({ offset, text: `more than ${MOST_ALIASES} aliases` });
        return visit.BREAK;
      }
      if (!alias.resolve(document)) faults.push({ offset, text: 'an alias of an anchor that does not stand before it' });
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

function offsetOf(document: Document, path: Path, at: 'key' | 'value'): number {
  let offset = startOf(document.contents) ?? 0;
  let node: unknown = document.contents;
  for (const [i, part] of path.entries()) {
    const last = i === path.length - 1;
    const resolved = isAlias(node) ? node.resolve(document) : node;
    if (isMap(resolved)) {
      const pair = resolved.items.find((item: Pair) => keyOf(item) === String(part));
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
