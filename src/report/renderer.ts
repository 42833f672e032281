import type { Severity } from './failures.ts';
import type { Layout } from './layout.ts';

/** Where a report appears. What a renderer is given is clean already; it only lays it out and writes it. */
export interface Renderer {
  readonly layout: Layout;
  line(text: string): void;
  /** The lines until `close` belong to the stage. */
  open(stage: string): void;
  close(): void;
  /** Lines that a reader may want and mostly does not: folded away where the renderer can fold. */
  fold(title: string, lines: readonly string[]): void;
  /** One mark beside the run, where there is such a place. */
  annotate(severity: Severity, title: string, message: string): void;
  /** These texts must never be seen, whoever prints them. */
  hide(forms: readonly string[]): void;
  output(name: string, value: string): void;
  /** Markdown for whoever reads no log. */
  summary(markdown: string): Promise<void>;
}
