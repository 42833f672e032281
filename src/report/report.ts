import type { Matrix } from '../cluster/matrix.ts';
import { failuresOf, type Failure } from '../engine/errors.ts';
import type { Emit, Event } from '../engine/events.ts';
import { ending } from '../engine/outcome.ts';
import type { Secret } from '../engine/secret.ts';
import { closingLines, stageClosing } from './closing.ts';
import type { Face } from './face.ts';
import { annotation, distinct, grouped, groupLines, type DocsPage, type Severity } from './failures.ts';
import { LARGEST_SUMMARY } from './github.ts';
import { count, duration, oneLine } from './layout.ts';
import { Masks } from './mask.ts';
import { matrixLines } from './matrix.ts';
import { planDocument, planLines, satisfiedLines, satisfiedTitle } from './plan.ts';
import { Progress } from './progress.ts';
import { isEnd, Story, type Subject } from './story.ts';
import { summary } from './summary.ts';

export interface ReportOptions {
  readonly docs: DocsPage;
  /** Prints each command and how it ended. */
  readonly verbose?: boolean;
  /** Milliseconds of some clock; that of the machine unless told. */
  readonly now?: () => number;
}

/** What of a failure stands in the output. */
const PUBLISHED: (keyof Failure)[] = ['code', 'host', 'what', 'evidence', 'cause', 'remedy'];

/** Tells a run to whoever reads it. Every text it is given is masked and made harmless before it goes anywhere. */
export class Report {
  readonly #face: Face;
  readonly #options: ReportOptions;
  readonly #masks = new Masks();
  readonly #story = new Story();
  readonly #now: () => number;
  #progress: Progress | undefined;
  #started: number;
  #planTold = false;
  #open: string | undefined;
  readonly #untold: { readonly stage: string; readonly tell: () => void }[] = [];

  constructor(face: Face, options: ReportOptions) {
    this.#face = face;
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#started = this.#now();
  }

  /** From now on none of these is seen in anything that is printed. To be called before anything else. */
  hide(secrets: readonly Secret[]): void {
    this.#face.hide(this.#masks.hide(secrets));
  }

  /** The run begins: the hosts are going to be asked. */
  begin(subject: Subject): void {
    const { mode, cluster, stages, asked } = this.#masks.cleaned(subject);
    this.#started = this.#now();
    this.#story.begin({ mode, cluster, stages });
    const hosts = cluster.hosts.map(({ name }) => name);
    this.#progress = new Progress(this.#face.look, hosts, this.#now);
    const told = asked ?? hosts;
    this.#line(
      this.#face.look.paint(
        'dim',
        `${cluster.domain}: asking ${count(told.length, 'host')} (${told.join(', ')}), mode ${mode}`,
      ),
    );
  }

  /** Takes every event of the run. */
  readonly emit: Emit = (raw) => {
    if (raw.is === 'secret') return this.hide([raw.secret]);
    if (raw.is === 'command') return this.#command(raw);
    const event = this.#masks.cleaned(raw);
    if (event.is === 'planned') this.#story.gatheredMs = this.#now() - this.#started;
    else this.#tellPlan();
    this.#story.hear(event);
    for (const line of this.#progress?.lines(event) ?? [])
      this.#inTurn(event.stage, () => this.#inStage(event.stage, line));
    if (isEnd(event)) {
      this.#inTurn(event.stage, () => this.#closeStage(event.stage));
      this.#tellUntold();
    }
  };

  /** So many sealed files lie ready for later jobs. */
  handedOver(files: number): void {
    this.#story.handedOver = files;
  }

  /** So many sealed files hold the logs of the hosts. */
  keptLogs(files: number): void {
    this.#story.keptLogs = files;
  }

  /** The text without any secret of the run. */
  masked(text: string): string {
    return this.#masks.mask(text);
  }

  /** What jobs of a workflow are told of the cluster file, and nothing else of this run. */
  checked(lines: readonly string[], outputs: Readonly<Record<string, string>>): void {
    lines.forEach((line) => this.say(line));
    for (const [name, value] of Object.entries(outputs)) this.#face.output(name, this.#masks.mask(value));
  }

  /** The latest proof; shown at the end. */
  readonly matrix = (matrix: Matrix): void => {
    this.#story.matrix = this.#masks.cleaned(matrix);
  };

  /** What is seen on the hosts that answer, where a run is refused because others do not. */
  seen(matrix: Matrix): void {
    this.#story.seen = this.#masks.cleaned(matrix);
  }

  /**
   * The run is over, with these failures or none: says what is wrong and what is true now, and gives outputs and
   * summary.
   */
  async finish(failures: readonly Failure[]): Promise<void> {
    const story = this.#story;
    this.#endStages();
    story.failures = distinct(this.#masks.cleaned(failures));
    story.ms = this.#now() - this.#started;
    if (!proofIsOfNow(story)) delete story.matrix;
    this.#tellPlan();
    if (story.matrix) matrixLines(story.matrix, this.#face.look).forEach((line) => this.#line(line));
    this.#tell(story.failures, 'error');
    this.#outputs();
    await this.#summary();
    const closing = closingLines(story);
    closing.forEach((line, i) =>
      this.#line(
        i === closing.length - 1 ? this.#face.look.paint(story.failures.length === 0 ? 'good' : 'bad', line) : line,
      ),
    );
  }

  /** Something was thrown that nobody handles: says so at once. */
  defect(thrown: unknown): void {
    this.#tell(this.#masks.cleaned(failuresOf(thrown)), 'error');
  }

  /** One line about the run itself. */
  say(text: string): void {
    this.#line(this.#masks.clean(text).replaceAll('\n', ' '));
  }

  #tellPlan(): void {
    const { subject, gatheredMs } = this.#story;
    if (this.#planTold || gatheredMs === undefined) return;
    this.#planTold = true;
    if (subject?.mode === 'plan' || subject?.mode === 'apply') {
      planLines(this.#story, this.#face.look).forEach((line) => this.#line(line));
      const title = satisfiedTitle(this.#story);
      if (title !== undefined)
        this.#face.fold(
          this.#masks.mask(title),
          satisfiedLines(this.#story, this.#face.look).map((line) => this.#masks.mask(line)),
        );
    }
    this.#tell(
      this.#story.found('warnings').map(({ finding }) => finding),
      'warning',
    );
  }

  #tell(failures: readonly Failure[], severity: Severity): void {
    if (failures.length === 0) return;
    const { docs } = this.#options;
    for (const group of grouped(failures))
      groupLines(group, severity, this.#face.look, docs).forEach((line) => this.#line(line));
    const { title, message } = annotation(failures, docs);
    this.#face.annotate(severity, this.#masks.mask(title), this.#masks.mask(message));
  }

  /** Of stages that go on side by side one is told after the other: each when all before it have ended. */
  #inTurn(stage: string, tell: () => void): void {
    if (this.#isNext(stage)) tell();
    else this.#untold.push({ stage, tell });
  }

  #isNext(stage: string): boolean {
    const { stages } = this.#story;
    return stages
      .slice(
        0,
        stages.findIndex((part) => part.stage === stage),
      )
      .every(({ state }) => state !== 'waiting' && state !== 'started');
  }

  /** Tells what waited for its turn. */
  #tellUntold(): void {
    const waiting = this.#untold.splice(0);
    for (const each of waiting) {
      if (this.#isNext(each.stage)) each.tell();
      else this.#untold.push(each);
    }
  }

  /** Nothing comes any more: tells all that still waits for its turn, by stage, and what follows is of no stage. */
  #endStages(): void {
    const waiting = this.#untold.splice(0);
    for (const { stage } of this.#story.stages)
      waiting.filter((each) => each.stage === stage).forEach(({ tell }) => tell());
    this.#closeGroup();
  }

  #inStage(stage: string, line: string): void {
    if (this.#open !== stage) {
      this.#closeGroup();
      this.#open = stage;
      this.#face.open(this.#masks.mask(stage));
    }
    this.#line(line);
  }

  #closeGroup(): void {
    if (this.#open !== undefined) this.#face.close();
    this.#open = undefined;
  }

  #closeStage(stage: string): void {
    this.#closeGroup();
    const part = this.#story.of(stage);
    this.#line(this.#face.look.paint(part.state === 'failed' ? 'bad' : 'strong', stageClosing(part)));
  }

  #command({ host, command, outcome, ms, stage }: Extract<Event, { is: 'command' }>): void {
    const [purpose, ended] = [oneLine(this.#masks.clean(command.purpose)), oneLine(this.#masks.clean(ending(outcome)))];
    this.#story.timeline.add({
      host,
      purpose,
      ending: ended,
      from: Math.max(0, this.#now() - this.#started - ms),
      ms,
      stage,
    });
    if (this.#options.verbose === true)
      this.#line(this.#face.look.paint('dim', `    ${host}: ${purpose}: ${ended} (${duration(ms)})`));
  }

  #outputs(): void {
    const { subject, matrix } = this.#story;
    const plan = planDocument(this.#story);
    this.#face.output('changed', String(this.#story.made + this.#story.broken));
    this.#face.output('plan', subject ? JSON.stringify(plan) : '');
    this.#face.output('changes', subject ? String(plan.changes.length + plan.later.length) : '');
    this.#face.output('failures', JSON.stringify(this.#story.failures, PUBLISHED));
    this.#face.output('handed-over', String(this.#story.handedOver));
    this.#face.output('logs', String(this.#story.keptLogs));
    this.#face.output('verify', matrix ? JSON.stringify(matrix) : '');
    this.#face.output('load-balancer-url', matrix?.url ?? (subject ? urlOf(subject) : ''));
  }

  async #summary(): Promise<void> {
    try {
      await this.#face.summary(this.#masks.mask(summary(this.#story, this.#options.docs, LARGEST_SUMMARY)));
    } catch (error) {
      this.#line(`Warning: the job summary could not be written: ${oneLine(this.#masks.clean(String(error)))}`);
    }
  }

  #line(text: string): void {
    this.#face.line(this.#masks.mask(text));
  }
}

/** What verify saw before changes were made, or while only a plan was wanted, says nothing of the state now. */
function proofIsOfNow({ subject, stages }: Story): boolean {
  if (subject?.mode !== 'apply') return subject?.mode === 'verify';
  return stages.some(({ stage, state }) => stage === 'verify' && state !== 'waiting');
}

function urlOf({ cluster }: Subject): string {
  const { host, port, scheme } = cluster.loadBalancer;
  const address = cluster.hosts.find(({ name }) => name === host)?.address ?? host;
  return `${scheme}://${address.includes(':') ? `[${address}]` : address}:${port}`;
}
