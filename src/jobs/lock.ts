import { firstManager } from '../cluster/cluster.ts';
import { deploymentError, type Failure } from '../engine/errors.ts';
import { commandFailure } from '../engine/command-failure.ts';
import { endLease, keepLease, leasedIn, takeLease, type Holder, type Leased } from '../host/lease.ts';
import type { OpenFleet } from '../transport/fleet.ts';
import { LIFE, secondsLeft, type Ending, type LockRequest } from './lock-life.ts';

const KEEP_EVERY_MS = 10_000;
/** After so long without being kept the run stops, before another may begin. */
const STALE_MS = 45_000;
const ASK_EVERY_MS = 5_000;
const TELL_EVERY_MS = 30_000;

/** How the lock's run shows itself. */
interface LockContext {
  readonly fleet: OpenFleet;
  readonly say: (line: string) => void;
  /** Ends the run when the lock is lost. */
  readonly stop: () => void;
  readonly signal: AbortSignal;
}

/**
 * The right to change a domain's hosts: one run at a time has it, kept on the first manager. All jobs of one run of a
 * workflow share it.
 */
export class Lock {
  readonly #request: LockRequest;
  readonly #around: LockContext;
  readonly #began = Date.now();
  readonly #holder: Holder;
  readonly #manager: string;
  #keeping: NodeJS.Timeout | undefined;
  #stale: NodeJS.Timeout | undefined;
  #asking = false;
  /** Why it was not kept the last time. */
  #trouble = 'no answer yet';
  #over = false;
  #taking: Promise<'as planned' | 'plan again'> | undefined;
  /** Why the run lost it; undefined as long as it did not. */
  lost: Failure | undefined;

  constructor(request: LockRequest, around: LockContext) {
    this.#request = request;
    this.#around = around;
    this.#holder = request.wish.holder;
    this.#manager = firstManager(request.cluster).name;
  }

  /**
   * What any job of a workflow owes the lock of its run, whether it is going to change something or not. To be told
   * before the first connection.
   */
  begin(): void {
    if (this.#isOfWorkflow) this.#leave('cut short');
  }

  /**
   * Takes the lock, waiting for whoever holds it, the first time that it is asked for. Throws a DeploymentError when it
   * stays held.
   */
  readonly take = async (): Promise<'as planned' | 'plan again'> => {
    // A job on another host than the first manager cannot reach it; the job of the same run there holds it.
    if (!this.#isReached) return 'as planned';
    if (this.#taking) {
      await this.#taking;
      return 'as planned';
    }
    return (this.#taking = this.#take());
  };

  /**
   * Lets go of a lock that jobs which cannot reach it left: it ends as that of a run that was killed. Gives in how many
   * seconds; undefined where the run holds none. Throws a DeploymentError.
   */
  async letGo(): Promise<number | undefined> {
    const leased = await this.#ask(keepLease(this.#domain, this.#holder, LIFE));
    return leased.is === 'shared' ? LIFE : undefined;
  }

  /** The run is over: the lock ends with it, or stays for the jobs after it. */
  end(failed: boolean): void {
    this.#over = true;
    clearInterval(this.#keeping);
    clearTimeout(this.#stale);
    if (this.#keeping !== undefined || this.#isOfWorkflow)
      this.#leave(this.#around.signal.aborted ? 'cut short' : failed ? 'failed' : 'well');
  }

  async #take(): Promise<'as planned' | 'plan again'> {
    const { waitMs, breaks } = this.#request.wish;
    const deadline = Date.now() + waitMs;
    for (let toldAt = 0; ;) {
      const askedAt = Date.now();
      const leased = await this.#ask(takeLease(this.#domain, this.#holder, LIFE, breaks));
      if (leased.is !== 'held') return this.#taken(leased, askedAt);
      if (Date.now() >= deadline) throw deploymentError(this.#held(leased));
      if (Date.now() - toldAt >= TELL_EVERY_MS) {
        toldAt = Date.now();
        this.#around.say(
          `waiting for ${inWords(leased)}; for at most ${Math.ceil((deadline - Date.now()) / 1000)} s more`,
        );
      }
      await pause(Math.min(ASK_EVERY_MS, Math.max(0, deadline - Date.now())), this.#around.signal);
      if (this.#around.signal.aborted)
        throw deploymentError({
          code: 'cancelled',
          what: 'cancelled while it waited for the lock',
          remedy: 'Run again: nothing was changed.',
        });
    }
  }

  #taken(leased: Exclude<Leased, { is: 'held' }>, askedAt: number): 'as planned' | 'plan again' {
    this.#leave('cut short');
    this.#kept(askedAt);
    this.#keeping = setInterval(() => void this.#keep(), KEEP_EVERY_MS).unref();
    // What was planned before somebody else was through with his changes says nothing any more.
    return leased.is === 'taken' && leased.freeFor * 1000 <= Date.now() - this.#began + 1_000
      ? 'plan again'
      : 'as planned';
  }

  /** It lasts at least so long from when it was asked for, whenever the answer came. */
  #kept(askedAt: number): void {
    clearTimeout(this.#stale);
    if (!this.#over)
      this.#stale = setTimeout(
        () => this.#lose(`it could not be kept for ${STALE_MS / 1000} s: ${this.#trouble}`),
        askedAt + STALE_MS - Date.now(),
      ).unref();
  }

  async #keep(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    const [askedAt, command] = [Date.now(), keepLease(this.#domain, this.#holder, LIFE)];
    const outcome = await this.#around.fleet.run(this.#manager, command);
    this.#asking = false;
    const leased = leasedIn(outcome);
    if (leased?.is === 'shared') this.#kept(askedAt);
    else if (leased?.is === 'held')
      this.#lose(leased.by.id === '' ? 'it was released by somebody else' : inWords(leased));
    else this.#trouble = commandFailure(this.#manager, command, outcome).what;
  }

  #lose(evidence: string): void {
    if (this.lost || this.#over || this.#around.signal.aborted) return;
    clearInterval(this.#keeping);
    clearTimeout(this.#stale);
    this.lost = {
      code: 'lock-lost',
      host: this.#manager,
      what: `this run does not hold the lock of ${this.#domain} any more`,
      evidence,
      remedy: 'See what the other run does, then run again. Completed changes are kept; the next run applies the rest.',
    };
    this.#around.stop();
  }

  async #ask(command: ReturnType<typeof takeLease>): Promise<Leased> {
    const outcome = await this.#around.fleet.run(this.#manager, command);
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
        'another run deploys ' +
        `${this.#domain}${breaks === undefined ? '' : `, and it is not ${breaks}, whose lock was to be broken`}`,
      evidence: inWords(leased),
      remedy:
        'Wait until it has ended, or give lock-wait more minutes: if it does nothing any more, its lock ends in ' +
        `${inTime(leased.expiresIn)}. Only when you know that, and cannot wait: break-lock: ${leased.by.id}.`,
    };
  }

  /** From now on the lock ends that long after this run does, however it does. */
  #leave(ended: Ending): void {
    this.#around.fleet.last(this.#manager, endLease(this.#domain, this.#holder, secondsLeft(this.#request, ended)));
  }

  get #domain(): string {
    return this.#request.cluster.domain;
  }

  get #isReached(): boolean {
    return this.#request.job.reaches.includes(this.#manager);
  }

  /** Whether this is one of the jobs of a deployment, and can speak for the lock that its run may hold. */
  get #isOfWorkflow(): boolean {
    const { isShared, use } = this.#request;
    return isShared && use === 'handed on' && this.#isReached;
  }
}

const inTime = (seconds: number): string => (seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`);

const inWords = ({ by, expiresIn, heldFor }: Extract<Leased, { is: 'held' }>): string =>
  `the lock of ${by.id} (${by.about}), held for ${inTime(heldFor)}; it ends in ${inTime(expiresIn)} unless it is kept`;

/** Until the time is over or the run is cancelled. */
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
