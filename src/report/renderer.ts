import type { Severity } from './failures.ts';
import type { Layout } from './layout.ts';

/** Where a report appears. What a renderer receives is already clean; it only lays it out and writes it. */
export interface Renderer {
  readonly layout: Layout;
  line(text: string): void;
  /** The lines up to `close` belong to the stage. */
  open(stage: string): void;
  close(): void;
  /** Lines that most readers do not need: folded away if the renderer can fold. */
  fold(title: string, lines: readonly string[]): void;
  /** One annotation on the run, if the renderer supports it. */
  annotate(severity: Severity, title: string, message: string): void;
  /** These texts must never be shown, no matter what prints them. */
  hide(forms: readonly string[]): void;
  output(name: string, value: string): void;
  /** Markdown for readers who do not open the log. */
  summary(markdown: string): Promise<void>;
}
