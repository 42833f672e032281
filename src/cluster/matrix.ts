import type { Failure } from '../engine/errors.ts';
import type { Proof } from '../engine/proof.ts';

/** The stage that proves the whole, by this matrix: it changes nothing, and nothing of a deployment comes after it. */
export const PROOF = 'verify';

/** What is checked of each replica, in the order of the matrix's columns, and each column's title. */
export const CHECKS = {
  direct: 'direct',
  throughLb: 'through LB',
  heartbeat: 'heartbeat',
  overlay: 'overlay',
  key: 'key',
  node: 'node',
  version: 'version',
} as const;

/** Name of one check of a replica. */
export type CheckName = keyof typeof CHECKS;

/** What one check saw of one replica: a figure or a value, and whether it is as it should be. */
export interface Check {
  readonly ok: boolean;
  readonly text: string;
  /** True where it could not be looked at: `ok` is false then, and nothing is known against the replica. */
  readonly unknown?: true;
}

/** One replica and what every check saw of it. */
export interface MatrixRow {
  /** The replica's own name, as it gives it itself: `root-kuscia-autonomy-alice-node-02`. */
  readonly replica: string;
  /** Name in the cluster file of the host it runs on. */
  readonly host: string;
  readonly cells: Readonly<Record<CheckName, Check>>;
}

/** The proof of a deployment: every replica against every check. Also the `verify` output of the action, as JSON. */
export interface Matrix extends Proof {
  readonly domain: string;
  /** What `isHealthy` says of the rest. */
  readonly healthy: boolean;
  /** Where peers reach the domain: the load balancer. */
  readonly url: string;
  readonly rows: readonly MatrixRow[];
  /** `unknown`: of how many of them it is not known; absent for none. */
  readonly nodes: { readonly ready: number; readonly total: number; readonly unknown?: number };
  readonly pairs: { readonly connected: number; readonly total: number; readonly unknown?: number };
  /** Absent in what earlier versions gave. */
  readonly database?: 'works' | 'fails' | 'unknown';
  /** Hosts that do not answer; absent for none. */
  readonly silent?: readonly string[];
  /** What should be seen to although every check is ok; absent for nothing. */
  readonly warnings?: readonly Failure[];
  /** How long the checks took, in milliseconds. */
  readonly ms: number;
}

/**
 * The one meaning of healthy: there are replicas, every check of each is ok, every host answers, every node is Ready
 * and every pair connected.
 */
export function isHealthy({
  rows,
  nodes,
  pairs,
  silent = [],
}: Pick<Matrix, 'rows' | 'nodes' | 'pairs' | 'silent'>): boolean {
  const checked = rows.length > 0 && rows.every(({ cells }) => Object.values(cells).every(({ ok }) => ok));
  return (
    checked && silent.length === 0 && nodes.total > 0 && nodes.ready === nodes.total && pairs.connected === pairs.total
  );
}

/** Whether what a stage found is the matrix of a deployment. */
export const isMatrix = (proof: Proof): proof is Matrix => 'rows' in proof;

/** The replicas that peers reach through the load balancer. */
export const serving = ({ rows }: Pick<Matrix, 'rows'>): readonly MatrixRow[] =>
  rows.filter(({ cells }) => cells.throughLb.ok);
