import type { Renderer } from './renderer.ts';
import type { Style } from './layout.ts';

/** A place for lines: a terminal, or a file or pipe instead. */
export interface Screen {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

const CODES: Readonly<Record<Exclude<Style, 'plain'>, number>> = { strong: 1, dim: 2, bad: 31, good: 32, warn: 33 };
const NARROWEST = 60;

/** Colours if `screen` is a terminal and NO_COLOR is not set; lines are truncated and wrapped only on a terminal. */
export function terminalRenderer(
  screen: Screen,
  options: { readonly colour: boolean; readonly verbose: boolean },
): Renderer {
  const line = (text: string): void => void screen.write(`${text}\n`);
  const paint = (style: Style, text: string): string =>
    options.colour && style !== 'plain' && text !== '' ? `\x1b[${CODES[style]}m${text}\x1b[0m` : text;
  return {
    layout: { width: screen.isTTY === true ? Math.max(screen.columns ?? 80, NARROWEST) : Infinity, paint },
    line,
    open: (stage) => line(paint('strong', stage)),
    close: () => {},
    fold(title, lines) {
      line(paint('dim', `  ${title}`));
      if (options.verbose) lines.forEach(line);
    },
    annotate: () => {},
    hide: () => {},
    output: () => {},
    summary: () => Promise.resolve(),
  };
}
