import * as core from '@actions/core';
import type { Renderer } from './renderer.ts';
import type { Screen } from './terminal.ts';

/** The part of @actions/core that a report needs. */
export type Runner = Pick<typeof core, 'startGroup' | 'endGroup' | 'error' | 'warning' | 'setSecret' | 'setOutput'> & {
  readonly summary: Pick<typeof core.summary, 'addRaw' | 'write'>;
};

/** GitHub drops a step's whole summary if it is larger. */
export const LARGEST_SUMMARY = 1024 * 1024;

/** The log of a GitHub job: a group for each stage, annotations, masks, outputs and the job summary. */
export function githubRenderer(screen: Screen, runner: Runner = core): Renderer {
  const line = (text: string): void => void screen.write(`${text}\n`);
  return {
    layout: { width: Infinity, paint: (_style, text) => text },
    line,
    open: (stage) => runner.startGroup(stage),
    close: () => runner.endGroup(),
    fold(title, lines) {
      runner.startGroup(title);
      lines.forEach(line);
      runner.endGroup();
    },
    annotate: (severity, title, message) => runner[severity](message, { title }),
    hide: (forms) => forms.filter((form) => !/[\r\n]/.test(form)).forEach((form) => runner.setSecret(form)),
    output: (name, value) => runner.setOutput(name, value),
    summary: async (markdown) => void (await runner.summary.addRaw(markdown, true).write()),
  };
}
