import { firstManager } from './cluster/cluster.ts';
import { trouble, type Failure } from './engine/errors.ts';
import { commandFailure } from './engine/command-failure.ts';
import { endLease, keepLease, leasedIn, takeLease, type Holder, type Leased } from './host/lease.ts';
import type { Inputs } from './inputs/read.ts';
import type { OpenFleet } from './transport/fleet.ts';

/** Seconds after which a lock that nobody keeps is free: a run that was killed is waited for no longer. */
const LIFE = 60;
/** Seconds that a lock outlives a job of a workflow, for the next job to take it over. */
const BETWEEN_JOBS = 300;
const KEEP_EVERY_MS = 15_000;
const ASK_EVERY_MS = 5_000;
const TELL_EVERY_MS = 30_000;

/** How the lock's run shows itself. */
interface Surroundings {
  readonly fleet: OpenFleet;
  readonly say: (line: string) => void;
  /** Ends the run when the lock is lost. */
  readonly stop: () => void;
  readonly signal: AbortSignal;
}

/** The right to change a domain's hosts: one run at a time has it, kept on the first manager. All jobs of one run of a workflow share it. */
export class Lock {
  readonly #inputs: Inputs;
  readonly #around: Surroundings;
  readonly #began = Date.now();
  readonly #holder: Holder;
  readonly #manager: string;
  #keptAt = 0;
  #keeping: NodeJS.Timeout | undefined;
  #taking: Promise<'as planned' | 'plan again'> | undefined;
  /** Why the run lost it; undefined as long as it did not. */
  lost: Failure | undefined;

  constructor(inputs: Inputs, around: Surroundings) {
    this.#inputs = inputs;
    this.#around = around;
    this.#holder = inputs.lock.holder;
    this.#manager = firstManager(inputs.deployment.cluster).name;
  }

  /** Takes the lock, waiting for whoever holds it, the first time that it is asked for. Throws a Trouble when it stays held. */
  readonly take = async (): Promise<'as planned' | 'plan again'> => {
    // A job on another host than the first manager cannot reach it; the job of the same run there holds it.
    if (!this.#inputs.job.reaches.includes(this.#manager)) return 'as planned';
    if (this.#taking) {
      await this.#taking;
      return 'as planned';
    }
    return (this.#taking = this.#take());
  };

  /** The run is over: the lock ends with it, or stays for the jobs after it. */
  end(failed: boolean): void {
    clearInterval(this.#keeping);
    if (this.#keptAt > 0) this.#endWith(this.#isLast ? 0 : failed ? LIFE : BETWEEN_JOBS);
  }

  async #take(): Promise<'as planned' | 'plan again'> {
    const { waitMs, breaks } = this.#inputs.lock;
    const deadline = Date.now() + waitMs;
    for (let toldAt = 0; ; ) {
      const leased = await this.#ask(takeLease(this.#domain, this.#holder, LIFE, breaks));
      if (leased.is !== 'held') return this.#taken(leased);
      if (Date.now() >= deadline) throw trouble(this.#held(leased));
      if (Date.now() - toldAt >= TELL_EVERY_MS) {
        toldAt = Date.now();
        this.#around.say(`waiting for ${inWords(leased)}; for at most ${Math.ceil((deadline - Date.now()) / 1000)} s more`);
      }
      await pause(Math.min(ASK_EVERY_MS, Math.max(0, deadline - Date.now())), this.#around.signal);
      if (this.#around.signal.aborted) throw trouble({ code: 'cancelled', what: 'cancelled while it waited for the lock', remedy: 'Run again: nothing was changed.' });
    }
  }

  #taken(leased: Exclude<Leased, { is: 'held' }>): 'as planned' | 'plan again' {
    this.#keptAt = Date.now();
    this.#endWith(this.#isLast ? 0 : LIFE);
    this.#keeping = setInterval(() => void this.#keep(), KEEP_EVERY_MS).unref();
    // What was planned before somebody else was through with his changes says nothing any more.
    return leased.is === 'taken' && leased.freeFor * 1000 <= Date.now() - this.#began + 1_000 ? 'plan again' : 'as planned';
  }

  async #keep(): Promise<void> {
    const outcome = await this.#around.fleet.run(this.#manager, keepLease(this.#domain, this.#holder, LIFE));
    const leased = leasedIn(outcome);
    if (leased?.is === 'shared') this.#keptAt = Date.now();
    if (leased?.is === 'held') this.#lose(leased.by.id === '' ? 'it was released by somebody else' : inWords(leased));
    else if (Date.now() - this.#keptAt > (LIFE * 1000 * 3) / 4) this.#lose(`it could not be kept for ${Math.round((Date.now() - this.#keptAt) / 1000)} s: ${commandFailure(this.#manager, keepLease(this.#domain, this.#holder, LIFE), outcome).what}`);
  }

  #lose(evidence: string): void {
    if (this.lost || this.#around.signal.aborted) return;
    clearInterval(this.#keeping);
    this.lost = { code: 'lock-lost', host: this.#manager, what: `this run does not hold the lock of ${this.#domain} any more`, evidence, remedy: 'See what the other run does, then run again: what was done stays, and the rest is done then.' };
    this.#around.stop();
  }

  async #ask(command: ReturnType<typeof takeLease>): Promise<Leased> {
    const outcome = await this.#around.fleet.run(this.#manager, command);
    const leased = leasedIn(outcome);
    if (leased === undefined) throw trouble(commandFailure(this.#manager, command, outcome));
    return leased;
  }

  #held(leased: Extract<Leased, { is: 'held' }>): Failure {
    const { breaks } = this.#inputs.lock;
    return {
      code: 'lock-held',
      host: this.#manager,
      what: `another run deploys ${this.#domain}${breaks === undefined ? '' : `, and it is not ${breaks}, whose lock was to be broken`}`,
      evidence: inWords(leased),
      remedy: `Wait until it has ended (a run that was killed is waited for ${LIFE} s), or give lock-wait more minutes. Only when you know that it does nothing any more: break-lock: ${leased.by.id}.`,
    };
  }

  #endWith(seconds: number): void {
    this.#around.fleet.last(this.#manager, endLease(this.#domain, this.#holder, seconds));
  }

  get #domain(): string {
    return this.#inputs.deployment.cluster.domain;
  }

  /** Whether no other job of this run changes anything after this one. */
  get #isLast(): boolean {
    const { job, stages } = this.#inputs;
    return job.artifacts?.handedOver === undefined || (job.here === undefined && stages.includes('nginx-lb'));
  }
}

function inWords({ by, expiresIn, heldFor }: Extract<Leased, { is: 'held' }>): string {
  const minutes = (seconds: number): string => (seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`);
  return `the lock of ${by.id} (${by.about}), held for ${minutes(heldFor)}; it ends in ${minutes(expiresIn)} unless it is kept`;
}

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
