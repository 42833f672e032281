import { CLUSTER, HOSTS } from '../support/cluster.ts';
import { until } from '../../../lab/process.ts';
import { seenOn } from '../deployment/seen.ts';

/** The texts that the run must report for a fault, all in the same block of its log. */
export interface Named {
  /** `KS-1204` */
  readonly code: string;
  /** The host it concerns. */
  readonly host: string;
  /** The failure and its evidence. */
  readonly evidence: RegExp;
  /** The reported cause; absent if the evidence is itself the cause, and no other may be reported. */
  readonly cause?: RegExp;
  /** The remedy. */
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
  /** The cluster file of the run that meets the fault; by default the usual one. */
  readonly cluster?: string;
  /** Inputs of that run beside the usual ones, made when the row is tried. */
  readonly inputs?: () => Promise<Readonly<Record<string, string>>>;
  readonly mode: 'apply' | 'verify' | 'plan';
  /** Preparations that are not part of the fault. */
  readonly prepare?: () => Promise<unknown>;
  /** Makes the fault before the run, or in its middle: as soon as it prints a line like this. */
  readonly when: 'before' | RegExp;
  readonly make: (signal: Signal) => Promise<unknown>;
  readonly mend: () => Promise<unknown>;
  /** The expected report of the run; `completes`, with the words that say so, if the run fixes the fault by itself; `dies` if the fault is that the run is killed. */
  readonly ends:
    readonly Named[] | { readonly completes: RegExp; readonly warns?: readonly Named[] } | { readonly dies: true };
  /** Further texts, each somewhere in the log of the run. */
  readonly says?: readonly RegExp[];
  /** Working containers that the run should replace or restart, as `node-02 alice-probe`. It is harm if any other is restarted. */
  readonly replaces?: readonly string[];
  /** Hosts whose containers may be missing until the fault is fixed: it removes them itself, or cuts the connection in the middle of a replacement. */
  readonly takes?: readonly string[];
  /** True when the run must have changed nothing on any host. */
  readonly changesNothing?: boolean;
  /** The cluster file of the run after the fix; by default the usual one. */
  readonly again?: string;
}

export { CLUSTER, HOSTS };

/** The same with another limit, so that both replicas are recreated. */
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
