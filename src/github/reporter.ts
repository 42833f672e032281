import * as core from '@actions/core';
import { failuresOf, type Failure } from '../engine/errors.ts';
import type { Secret } from '../engine/secret.ts';
import type { Renderer } from '../report/renderer.ts';
import { annotation, distinct, grouped, groupLines, type DocsPage } from '../report/failures.ts';
import { githubRenderer, type Runner } from '../report/github.ts';
import { Masks } from '../report/mask.ts';
import type { Screen } from '../report/terminal.ts';

/** Tells in the job's log what is done at GitHub. Every text is masked and made harmless before it is shown. */
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

  /** From now on none of these is seen. To be called before anything else. */
  hide(secrets: readonly Secret[]): void {
    this.#renderer.hide(this.#masks.hide(secrets));
  }

  /** The same value with every text in it masked, harmless and bounded. */
  cleaned<T>(value: T): T {
    return this.#masks.cleaned(value);
  }

  say(text: string): void {
    this.#renderer.line(this.#masks.clean(text).replaceAll('\n', ' '));
  }

  /** Something that is no failure, but that a reader should see beside the run. */
  notice(title: string, message: string): void {
    this.#runner.notice(this.#masks.clean(message), { title });
  }

  /** Something that went wrong and that the run can do without. */
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
