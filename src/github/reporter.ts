import * as core from '@actions/core';
import { failuresOf, type Failure } from '../engine/errors.ts';
import type { Secret } from '../engine/secret.ts';
import type { Renderer } from '../report/renderer.ts';
import { annotation, distinct, grouped, groupLines, type DocsPage } from '../report/failures.ts';
import { githubRenderer, type Runner } from '../report/github.ts';
import { Masks } from '../report/mask.ts';
import type { Screen } from '../report/terminal.ts';

/** Reports in the job's log what is done at GitHub. Every text is masked and sanitised before it is shown. */
export class GithubReporter {
  readonly docs: DocsPage;
  readonly #renderer: Renderer;
  readonly #runner: Pick<typeof core, 'notice'>;
  readonly #masks = new Masks();

  constructor(screen: Screen, docs: DocsPage, runner: Runner & Pick<typeof core, 'notice'> = core) {
    this.docs = docs;
    this.#renderer = githubRenderer(screen, runner);
    this.#runner = runner;
  }

  /** Masks these from now on. Must be called first. */
  hide(secrets: readonly Secret[]): void {
    this.#renderer.hide(this.#masks.hide(secrets));
  }

  /** The same value with every text in it masked, sanitised and truncated. */
  cleaned<T>(value: T): T {
    return this.#masks.cleaned(value);
  }

  say(text: string): void {
    this.#renderer.line(this.#masks.clean(text).replaceAll('\n', ' '));
  }

  /** Reports something noteworthy that is not a failure. */
  notice(title: string, message: string): void {
    this.#runner.notice(this.#masks.clean(message), { title });
  }

  /** Reports a problem that does not fail the run. */
  warning(title: string, message: string): void {
    this.#renderer.annotate('warning', this.#masks.clean(title), this.#masks.clean(message));
  }

  fail(thrown: unknown): void {
    const failures: readonly Failure[] = distinct(this.cleaned(failuresOf(thrown)));
    for (const group of grouped(failures))
      groupLines(group, 'error', this.#renderer.layout, this.docs).forEach((line) =>
        this.#renderer.line(this.#masks.mask(line)),
      );
    const { title, message } = annotation(failures, this.docs);
    this.#renderer.annotate('error', this.#masks.mask(title), this.#masks.mask(message));
  }

  output(name: string, value: string): void {
    this.#renderer.output(name, this.#masks.clean(value));
  }

  async summary(markdown: string): Promise<void> {
    await this.#renderer.summary(this.#masks.mask(markdown));
  }
}
