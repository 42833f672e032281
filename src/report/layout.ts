/** How a piece of text is emphasised, if the renderer has colours. */
export type Style = 'plain' | 'strong' | 'good' | 'bad' | 'warn' | 'dim';

/** What the reader's screen supports. */
export interface Layout {
  /** Characters per line; Infinity if lines may have any length. */
  readonly width: number;
  readonly paint: (style: Style, text: string) => string;
}

/** One piece of a row. */
export interface Cell {
  readonly text: string;
  readonly style: Style;
}

/** A cell, plain by default. */
export const cell = (text: string, style: Style = 'plain'): Cell => ({ text, style });

interface ColumnOptions {
  readonly indent?: number;
  /** Columns that shrink, first to last, when a row is wider than the screen; each keeps at least `MIN_WIDTH`. */
  readonly shrink?: readonly number[];
}

const GAP = 2;
const MIN_WIDTH = 16;

/** Rows with aligned columns, one line each; if they are wider than the screen, the `shrink` columns are truncated. */
export function columns(rows: readonly (readonly Cell[])[], layout: Layout, options: ColumnOptions = {}): string[] {
  const flat = rows.map((row) => row.map(({ text, style }) => ({ text: flatLine(text), style })));
  const widths: number[] = [];
  for (const row of flat) row.forEach(({ text }, i) => (widths[i] = Math.max(widths[i] ?? 0, lengthOf(text))));
  const indent = ' '.repeat(options.indent ?? 0);
  const fitted = fit(widths, layout.width - indent.length, options.shrink ?? []);
  return flat.map((row) =>
    (
      indent + row.map((piece, i) => pad(piece, fitted[i] ?? 0, i === row.length - 1, layout)).join(' '.repeat(GAP))
    ).trimEnd(),
  );
}

function fit(widths: readonly number[], room: number, shrink: readonly number[]): number[] {
  const fitted = [...widths];
  let excess = fitted.reduce((sum, width) => sum + width, 0) + GAP * Math.max(fitted.length - 1, 0) - room;
  for (const i of shrink) {
    const width = fitted[i] ?? 0;
    const reduction = Math.min(Math.max(excess, 0), Math.max(width - MIN_WIDTH, 0));
    fitted[i] = width - reduction;
    excess -= reduction;
  }
  return fitted;
}

function pad({ text, style }: Cell, width: number, last: boolean, layout: Layout): string {
  const shown = truncate(text, width);
  return layout.paint(style, shown) + (last ? '' : ' '.repeat(width - lengthOf(shown)));
}

/** Text on one line, with its spaces kept. */
const flatLine = (text: string): string => text.replace(/\s/g, ' ');

/** Text on one line: line ends and runs of whitespace become one space. */
export const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim();

/** The text, or its beginning and `…`, at most `width` characters. */
export function truncate(text: string, width: number): string {
  const letters = [...text];
  return letters.length <= width ? text : `${letters.slice(0, Math.max(width - 1, 0)).join('')}…`;
}

/** A label with its text beside it, wrapped at spaces to fit the screen. Nothing is truncated. */
export function labelled(label: Cell, text: string, layout: Layout, indent: number, labelWidth: number): string[] {
  const room = Math.max(layout.width - indent - labelWidth, MIN_WIDTH);
  const lines = text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .flatMap((line) => wrap(line.trimEnd(), room));
  const first = layout.paint(label.style, label.text) + ' '.repeat(Math.max(labelWidth - lengthOf(label.text), 0));
  return lines.map((line, i) => ' '.repeat(indent) + (i === 0 ? first : ' '.repeat(labelWidth)) + line);
}

function wrap(text: string, room: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && lengthOf(line) + 1 + lengthOf(word) > room) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

/** A duration as a person reads it: `0.4 s`, `1 min 12 s`. */
export function duration(ms: number): string {
  const tenths = Math.round(ms / 100);
  if (tenths < 600) return `${(tenths / 10).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** `1 change`, `2 changes`. */
export const count = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`;

const lengthOf = (text: string): number => [...text].length;
