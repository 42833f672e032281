import { firstManager } from '../cluster/cluster.ts';
import { deploymentError, type Failure } from '../engine/errors.ts';
import { commandFailure } from '../engine/command-failure.ts';
import { endLease, keepLease, leasedIn, takeLease, type Holder, type Leased } from '../host/lease.ts';
import type { OpenFleet } from '../transport/fleet.ts';
import { LIFE, secondsLeft, type Ending, type LockRequest } from './lock-life.ts';

const KEEP_EVERY_MS = 10_000;
/** If the lock could not be kept for this long, the run stops, before another run may begin. */
const STALE_MS = 45_000;
const ASK_EVERY_MS = 5_000;
const REPORT_EVERY_MS = 30_000;

/** What the lock uses of its run. */
interface LockContext {
  readonly fleet: OpenFleet;
  readonly say: (line: string) => void;
  /** Stops the run when the lock is lost. */
  readonly stop: () => void;
  readonly signal: AbortSignal;
}

/**
 * The right to change a domain's hosts: only one run at a time has it. It is recorded on the first manager. All jobs of
 * one workflow run share it.
 */
export class Lock {
  readonly #request: LockRequest;
  readonly #context: LockContext;
  readonly #began = Date.now();
  readonly #holder: Holder;
  readonly #manager: string;
  #keeping: NodeJS.Timeout | undefined;
  #stale: NodeJS.Timeout | undefined;
  #asking = false;
  /** Why the last attempt to keep it failed. */
  #keepFailure = 'no answer yet';
  #over = false;
  #taking: Promise<'as planned' | 'plan again'> | undefined;
  /** Why the run lost it; undefined as long as it has not. */
  lost: Failure | undefined;

  constructor(request: LockRequest, context: LockContext) {
    this.#request = request;
    this.#context = context;
    this.#holder = request.wish.holder;
    this.#manager = firstManager(request.cluster).name;
  }

  /**
   * Makes sure that the lock of the run ends if this job of a workflow is cut short, even a job that changes nothing.
   * Must be called before the first connection.
   */
  begin(): void {
    if (this.#isOfWorkflow) this.#leave('cut short');
  }

  /** Takes the lock on the first call, waiting if another run holds it. Throws a DeploymentError if it stays held. */
  readonly take = async (): Promise<'as planned' | 'plan again'> => {
    // A job that does not reach the first manager cannot take the lock; the job of the same run on that host holds it.
    if (!this.#isReached) return 'as planned';
    if (this.#taking) {
      await this.#taking;
      return 'as planned';
    }
    return (this.#taking = this.#take());
  };

  /**
   * Releases a lock left behind by jobs that cannot reach it: it ends like the lock of a run that was killed. Returns
   * the seconds until then; undefined if the run holds none. Throws a DeploymentError.
   */
  async release(): Promise<number | undefined> {
    const leased = await this.#ask(keepLease(this.#domain, this.#holder, LIFE));
    return leased.is === 'shared' ? LIFE : undefined;
  }

  /** Must be called when the run is over: the lock ends with it, or stays for later jobs. */
  end(failed: boolean): void {
    this.#over = true;
    clearInterval(this.#keeping);
    clearTimeout(this.#stale);
    if (this.#keeping !== undefined || this.#isOfWorkflow)
      this.#leave(this.#context.signal.aborted ? 'cut short' : failed ? 'failed' : 'well');
  }

  async #take(): Promise<'as planned' | 'plan again'> {
    const { waitMs, breaks } = this.#request.wish;
    const deadline = Date.now() + waitMs;
    for (let reportedAt = 0; ;) {
      const askedAt = Date.now();
      const leased = await this.#ask(takeLease(this.#domain, this.#holder, LIFE, breaks));
      if (leased.is !== 'held') return this.#taken(leased, askedAt);
      if (Date.now() >= deadline) throw deploymentError(this.#held(leased));
      if (Date.now() - reportedAt >= REPORT_EVERY_MS) {
        reportedAt = Date.now();
        this.#context.say(
          `waiting for ${inWords(leased)}; giving up in ${Math.ceil((deadline - Date.now()) / 1000)} s`,
        );
      }
      await pause(Math.min(ASK_EVERY_MS, Math.max(0, deadline - Date.now())), this.#context.signal);
      if (this.#context.signal.aborted)
        throw deploymentError({
          code: 'cancelled',
          what: 'cancelled while waiting for the lock',
          remedy: 'Run again: nothing was changed.',
        });
    }
  }

  #taken(leased: Exclude<Leased, { is: 'held' }>, askedAt: number): 'as planned' | 'plan again' {
    this.#leave('cut short');
    this.#kept(askedAt);
    this.#keeping = setInterval(() => void this.#keep(), KEEP_EVERY_MS).unref();
    // A plan made before another run had finished its changes no longer holds.
    return leased.is === 'taken' && leased.freeFor * 1000 <= Date.now() - this.#began + 1_000
      ? 'plan again'
      : 'as planned';
  }

  /** The lock lasts at least that long from the time of the request, whenever the answer came. */
  #kept(askedAt: number): void {
    clearTimeout(this.#stale);
    if (!this.#over)
      this.#stale = setTimeout(
        () => this.#lose(`it could not be renewed for ${STALE_MS / 1000} s: ${this.#keepFailure}`),
        askedAt + STALE_MS - Date.now(),
      ).unref();
  }

  async #keep(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    const [askedAt, command] = [Date.now(), keepLease(this.#domain, this.#holder, LIFE)];
    const outcome = await this.#context.fleet.run(this.#manager, command);
    this.#asking = false;
    const leased = leasedIn(outcome);
    if (leased?.is === 'shared') this.#kept(askedAt);
    else if (leased?.is === 'held')
      this.#lose(leased.by.id === '' ? 'it was released by someone else' : inWords(leased));
    else this.#keepFailure = commandFailure(this.#manager, command, outcome).what;
  }

  #lose(evidence: string): void {
    if (this.lost || this.#over || this.#context.signal.aborted) return;
    clearInterval(this.#keeping);
    clearTimeout(this.#stale);
    this.lost = {
      code: 'lock-lost',
      host: this.#manager,
      what: `this run no longer holds the lock of ${this.#domain}`,
      evidence,
      remedy:
        'Check what the other run is doing, then run again. Completed changes are kept; the next run applies the ' +
        'rest.',
    };
    this.#context.stop();
  }

  async #ask(command: ReturnType<typeof takeLease>): Promise<Leased> {
    const outcome = await this.#context.fleet.run(this.#manager, command);
    const leased = leasedIn(outcome);
    if (leased === undefined) throw deploymentError(commandFailure(this.#manager, command, outcome));
    return leased;
  }

  #held(leased: Extract<Leased, { is: 'held' }>): Failure {
    const { breaks } = this.#request.wish;
    return {
      code: 'lock-held',
      host: this.#manager,
      what:
        `another run is deploying ${this.#domain}` +
        `${breaks === undefined ? '' : `, and it is not ${breaks}, the run named in break-lock`}`,
      evidence: inWords(leased),
      remedy:
        'Wait until the other run has ended, or increase lock-wait: if that run is no longer alive, its lock expires ' +
        `in ${inTime(leased.expiresIn)}. Only if you are sure that it has ended and cannot wait: break-lock: ` +
        `${leased.by.id}.`,
    };
  }

  /** From now on the lock ends that long after this run, however the run ends. */
  #leave(ended: Ending): void {
    this.#context.fleet.last(this.#manager, endLease(this.#domain, this.#holder, secondsLeft(this.#request, ended)));
  }

  get #domain(): string {
    return this.#request.cluster.domain;
  }

  get #isReached(): boolean {
    return this.#request.job.reaches.includes(this.#manager);
  }

  /** Whether this is one of the jobs of a deployment and reaches the lock that its run may hold. */
  get #isOfWorkflow(): boolean {
    const { isShared, use } = this.#request;
    return isShared && use === 'handed on' && this.#isReached;
  }
}

const inTime = (seconds: number): string => (seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`);

const inWords = ({ by, expiresIn, heldFor }: Extract<Leased, { is: 'held' }>): string =>
  `the lock of ${by.id} (${by.about}), held for ${inTime(heldFor)}; it expires in ${inTime(expiresIn)} unless renewed`;

/** Waits until the time is over or the run is cancelled. */
const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
