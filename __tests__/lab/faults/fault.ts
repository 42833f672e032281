import { CLUSTER, HOSTS } from '../support/cluster.ts';
import { until } from '../../../lab/process.ts';
import { seenOn } from '../deployment/seen.ts';

/** What the run must say of a fault, in one and the same block of its log. */
export interface Named {
  /** `KS-1204` */
  readonly code: string;
  /** The host it concerns. */
  readonly host: string;
  /** What happened and what was seen. */
  readonly evidence: RegExp;
  /** What is told as the cause; absent where what was seen is the cause itself, and no other may be told. */
  readonly cause?: RegExp;
  /** What is told to do. */
  readonly remedy: RegExp;
}

/** Sends the run a signal; for a fault in its middle. */
export type Signal = (name: 'SIGINT' | 'SIGTERM' | 'SIGKILL') => void;

/** One thing that goes wrong, made for real on the lab's hosts. */
export interface Fault {
  /** By which `FAULTS=name,name` picks it. */
  readonly name: string;
  /** Tried by `npm test`, too. */
  readonly usual?: boolean;
  readonly on: 'empty hosts' | 'deployed cluster';
  /** The cluster file of the run that meets the fault; the usual one unless told. */
  readonly cluster?: string;
  /** Inputs of that run beside the usual ones, made when the row is tried. */
  readonly inputs?: () => Promise<Readonly<Record<string, string>>>;
  readonly mode: 'apply' | 'verify' | 'plan';
  /** What happened before, and is no part of the fault. */
  readonly prepare?: () => Promise<unknown>;
  /** Makes the fault before the run, or in its middle: as soon as it prints a line like this. */
  readonly when: 'before' | RegExp;
  readonly make: (signal: Signal) => Promise<unknown>;
  readonly mend: () => Promise<unknown>;
  /** What the run names; where it mends the fault by itself, `completes` with the words with which it says so; `dies` where the fault is that it is killed. */
  readonly ends:
    readonly Named[] | { readonly completes: RegExp; readonly warns?: readonly Named[] } | { readonly dies: true };
  /** What the run says beside that, each somewhere in its log. */
  readonly says?: readonly RegExp[];
  /** Working containers that the run is to replace or restart, as `node-02 alice-probe`. Any other that is started anew is harm. */
  readonly replaces?: readonly string[];
  /** Hosts whose containers may be lacking until the fault is mended: it takes them itself, or the way to them in the middle of a replacement. */
  readonly takes?: readonly string[];
  /** True when the run must have changed nothing on any host. */
  readonly changesNothing?: boolean;
  /** The cluster file of the run after it was mended; the usual one unless told. */
  readonly again?: string;
}

export { CLUSTER, HOSTS };

/** The same with another limit, so that both replicas are made anew. */
export const MORE_MEMORY = `${CLUSTER}memory: 4GiB\n`;

/** The same with another image. */
export const imaged = (image: string): string => CLUSTER.replace('secretflow/kuscia:1.1.0b0', image);

export const REPLICA = 'root-kuscia-autonomy-alice';

/** Both replicas, as a row names what its run is to replace. */
export const REPLICAS = ['node-02', 'node-03'].map((host) => `${host} ${REPLICA}`);

/** The cause of a host that went away: nobody can read its logs. */
export const NO_LOG = /^unknown; no log of node-03 could be read$/;

/** Waits until a shell condition holds on a host: some faults take a while to show. */
export const comesTrue = (host: string, condition: string): Promise<unknown> =>
  until(
    `${host}: ${condition}`,
    async () => ((await seenOn(host, `if ${condition}; then echo yes; fi`)) === 'yes' ? true : undefined),
    120_000,
    undefined,
    1_000,
  );
