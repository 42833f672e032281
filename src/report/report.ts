import { isMatrix, PROOF } from '../cluster/matrix.ts';
import { failuresOf, type Failure } from '../engine/errors.ts';
import type { Emit, Event } from '../engine/events.ts';
import { ending } from '../engine/outcome.ts';
import type { Proof } from '../engine/proof.ts';
import type { Secret } from '../engine/secret.ts';
import type { Answer } from '../operations/operation.ts';
import { closingLines, stageClosing } from './closing.ts';
import type { Renderer } from './renderer.ts';
import { annotation, distinct, grouped, groupLines, type DocsPage, type Severity } from './failures.ts';
import { LARGEST_SUMMARY } from './github.ts';
import { count, duration, oneLine } from './layout.ts';
import { Masks } from './mask.ts';
import { matrixLines } from './matrix.ts';
import { planDocument, planLines, satisfiedLines, satisfiedTitle } from './plan.ts';
import { Progress } from './progress.ts';
import { isEnd, RunState, type Subject } from './run-state.ts';
import { StageGroups } from './stage-groups.ts';
import { summary } from './summary.ts';
import { reportedEvent } from './reported.ts';

export interface ReportOptions {
  readonly docs: DocsPage;
  /** Prints each command and how it ended. */
  readonly verbose?: boolean;
  /** Returns milliseconds; the machine's clock by default. */
  readonly now?: () => number;
}

/** The fields of a failure that the output contains. */
const PUBLISHED: (keyof Failure)[] = ['code', 'host', 'what', 'evidence', 'cause', 'remedy'];

/** Reports a run to its readers. Every text is masked and made harmless before it goes anywhere. */
export class Report {
  readonly #renderer: Renderer;
  readonly #options: ReportOptions;
  readonly #masks = new Masks();
  readonly #runState = new RunState();
  readonly #now: () => number;
  #progress: Progress | undefined;
  #started: number;
  #planPrinted = false;
  readonly #groups: StageGroups;

  constructor(renderer: Renderer, options: ReportOptions) {
    this.#renderer = renderer;
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#started = this.#now();
    this.#groups = new StageGroups(
      {
        open: (stage) => void renderer.open(this.#masks.mask(stage)),
        close: () => void renderer.close(),
        line: (text) => void this.#line(text),
      },
      this.#runState,
    );
  }

  /** From now on none of these appears in anything that is printed. Must be called before anything else. */
  hide(secrets: readonly Secret[]): void {
    this.#renderer.hide(this.#masks.hide(secrets));
  }

  /** The run begins: the hosts are about to be queried. */
  begin(subject: Subject): void {
    const { mode, cluster, stages, asked } = this.#masks.cleaned(subject);
    this.#started = this.#now();
    this.#runState.begin({ mode, cluster, stages });
    const hosts = cluster.hosts.map(({ name }) => name);
    this.#progress = new Progress(this.#renderer.layout, hosts, this.#now);
    const queried = asked ?? hosts;
    this.#line(
      this.#renderer.layout.paint(
        'dim',
        `${cluster.domain}: asking ${count(queried.length, 'host')} (${queried.join(', ')}), mode ${mode}`,
      ),
    );
  }

  /** Takes every event of the run. */
  readonly emit: Emit = (raw) => {
    if (raw.is === 'secret') return this.hide([raw.secret]);
    if (raw.is === 'command') return this.#command(raw);
    const event = this.#masks.cleaned(reportedEvent(raw));
    if (event.is === 'proof') return this.#runState.record(event);
    if (event.is === 'planned') this.#runState.gatheredMs = this.#now() - this.#started;
    else this.#printPlan();
    this.#runState.record(event);
    for (const line of this.#progress?.lines(event) ?? []) this.#groups.line(event.stage, line);
    if (isEnd(event)) this.#groups.ended(event.stage, () => this.#closing(event.stage));
  };

  /** That many sealed files are ready for later jobs. */
  handedOver(files: number): void {
    this.#runState.handedOver = files;
  }

  /** That many sealed files contain the logs of the hosts. */
  keptLogs(files: number): void {
    this.#runState.keptLogs = files;
  }

  /** The text without any secret of the run. */
  masked(text: string): string {
    return this.#masks.mask(text);
  }

  /** What the jobs of a workflow need from the cluster file, and nothing else of this run. */
  checked({ line, outputs }: Answer): void {
    this.say(line);
    for (const [name, value] of Object.entries(outputs)) this.#renderer.output(name, this.#masks.mask(value));
  }

  /** The state of the hosts that answer, in a run that is refused because others do not. */
  seen(proof: Proof): void {
    if (isMatrix(proof)) this.#runState.seen = this.#masks.cleaned(proof);
  }

  /**
   * The run is over, with these failures or none: reports what is wrong and the resulting state, and writes outputs and
   * summary.
   */
  async finish(failures: readonly Failure[]): Promise<void> {
    const runState = this.#runState;
    this.#groups.end();
    runState.failures = distinct(this.#masks.cleaned(failures));
    runState.ms = this.#now() - this.#started;
    if (!proofIsOfNow(runState)) delete runState.matrix;
    this.#printPlan();
    if (runState.matrix) matrixLines(runState.matrix, this.#renderer.layout).forEach((line) => this.#line(line));
    this.#print(runState.failures, 'error');
    this.#outputs();
    await this.#summary();
    const closing = closingLines(runState);
    closing.forEach((line, i) =>
      this.#line(
        i === closing.length - 1
          ? this.#renderer.layout.paint(runState.failures.length === 0 ? 'good' : 'bad', line)
          : line,
      ),
    );
  }

  /** Reports immediately an error that nothing handles. */
  defect(thrown: unknown): void {
    this.#print(this.#masks.cleaned(failuresOf(thrown)), 'error');
  }

  /** One line about the run itself. */
  say(text: string): void {
    this.#line(this.#masks.clean(text).replaceAll('\n', ' '));
  }

  #printPlan(): void {
    const { shows, gatheredMs } = this.#runState;
    if (this.#planPrinted || gatheredMs === undefined) return;
    this.#planPrinted = true;
    if (shows === 'only a plan' || shows === 'a plan and changes') {
      planLines(this.#runState, this.#renderer.layout).forEach((line) => this.#line(line));
      const title = satisfiedTitle(this.#runState);
      if (title !== undefined)
        this.#renderer.fold(
          this.#masks.mask(title),
          satisfiedLines(this.#runState, this.#renderer.layout).map((line) => this.#masks.mask(line)),
        );
    }
    this.#print(
      this.#runState.found('warnings').map(({ finding }) => finding),
      'warning',
    );
  }

  #print(failures: readonly Failure[], severity: Severity): void {
    if (failures.length === 0) return;
    const { docs } = this.#options;
    for (const group of grouped(failures))
      groupLines(group, severity, this.#renderer.layout, docs).forEach((line) => this.#line(line));
    const { title, message } = annotation(failures, docs);
    this.#renderer.annotate(severity, this.#masks.mask(title), this.#masks.mask(message));
  }

  #closing(stage: string): string {
    const part = this.#runState.of(stage);
    return this.#renderer.layout.paint(part.state === 'failed' ? 'bad' : 'strong', stageClosing(part));
  }

  #command({ host, command, outcome, ms, stage }: Extract<Event, { is: 'command' }>): void {
    const [purpose, ended] = [oneLine(this.#masks.clean(command.purpose)), oneLine(this.#masks.clean(ending(outcome)))];
    this.#runState.timeline.add({
      host,
      purpose,
      ending: ended,
      from: Math.max(0, this.#now() - this.#started - ms),
      ms,
      stage,
    });
    if (this.#options.verbose === true)
      this.#line(this.#renderer.layout.paint('dim', `    ${host}: ${purpose}: ${ended} (${duration(ms)})`));
  }

  #outputs(): void {
    const { subject, matrix } = this.#runState;
    const plan = planDocument(this.#runState);
    this.#renderer.output('changed', String(this.#runState.made + this.#runState.broken));
    this.#renderer.output('plan', subject ? JSON.stringify(plan) : '');
    this.#renderer.output('changes', subject ? String(plan.changes.length + plan.later.length) : '');
    this.#renderer.output('failures', JSON.stringify(this.#runState.failures, PUBLISHED));
    this.#renderer.output('handed-over', String(this.#runState.handedOver));
    this.#renderer.output('logs', String(this.#runState.keptLogs));
    this.#renderer.output('verify', matrix ? JSON.stringify(matrix) : '');
    this.#renderer.output('load-balancer-url', matrix?.url ?? (subject ? urlOf(subject) : ''));
  }

  async #summary(): Promise<void> {
    try {
      await this.#renderer.summary(this.#masks.mask(summary(this.#runState, this.#options.docs, LARGEST_SUMMARY)));
    } catch (error) {
      this.#line(`Warning: the job summary could not be written: ${oneLine(this.#masks.clean(String(error)))}`);
    }
  }

  #line(text: string): void {
    this.#renderer.line(this.#masks.mask(text));
  }
}

/** What verify saw before changes were made, or in a run that only plans, says nothing about the state now. */
function proofIsOfNow({ shows, stages }: RunState): boolean {
  if (shows !== 'a plan and changes') return shows === 'a proof';
  return stages.some(({ stage, state }) => stage === PROOF && state !== 'waiting');
}

function urlOf({ cluster }: Subject): string {
  const { host, port, scheme } = cluster.loadBalancer;
  const address = cluster.hosts.find(({ name }) => name === host)?.address ?? host;
  return `${scheme}://${address.includes(':') ? `[${address}]` : address}:${port}`;
}
