import type { Failure } from '../../src/engine/errors.ts';
import type { Renderer } from '../../src/report/renderer.ts';
import { Report } from '../../src/report/report.ts';
import type { Told } from './runs.ts';

/** A face that keeps everything it is given. */
export interface Recorder extends Renderer {
  readonly lines: string[];
  readonly hidden: string[];
  readonly annotations: { readonly severity: string; readonly title: string; readonly message: string }[];
  readonly outputs: Record<string, string>;
  markdown: string;
}

/** A recorder whose screen is `width` wide; groups are shown as `[stage` and `]`. */
export function recorder(width = Infinity): Recorder {
  const lines: string[] = [];
  const kept: Recorder = {
    lines,
    hidden: [],
    annotations: [],
    outputs: {},
    markdown: '',
    layout: { width, paint: (_style, text) => text },
    line: (text) => void lines.push(text),
    open: (stage) => void lines.push(`[${stage}`),
    close: () => void lines.push(']'),
    fold: (title, folded) => void lines.push(`[${title}`, ...folded, ']'),
    annotate: (severity, title, message) => void kept.annotations.push({ severity, title, message }),
    hide: (forms) => void kept.hidden.push(...forms),
    output: (name, value) => void (kept.outputs[name] = value),
    summary: (markdown) => {
      kept.markdown = markdown;
      return Promise.resolve();
    },
  };
  return kept;
}

/** A report for the renderer whose clock advances by 100 ms each time it is read. */
export function reportOn(face: Renderer): Report {
  let time = 0;
  return new Report(face, { docs: 'docs/troubleshooting.md', now: () => (time += 100) });
}

/** Passes the events of a run to a report; with other failures if given. */
export async function play(report: Report, run: Told, failures: readonly Failure[] = run.failures): Promise<void> {
  report.begin(run.subject);
  for (const event of run.events) report.emit(event.is === 'stage-failed' ? { ...event, failures } : event);
  await report.finish(failures);
}
