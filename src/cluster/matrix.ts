import type { Failure } from '../engine/errors.ts';
import type { Proof } from '../engine/proof.ts';

/** The stage that proves the whole deployment with this matrix. It is the last one and changes nothing. */
export const PROOF = 'verify';

/** The checks of a replica in column order, each with its column title. */
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

/** The result of one check of one replica: what was observed, and whether it is as expected. */
export interface Check {
  readonly ok: boolean;
  readonly text: string;
  /** True if it could not be checked: then `ok` is false, but that is no evidence against the replica. */
  readonly unknown?: true;
}

/** One replica and the results of its checks. */
export interface MatrixRow {
  /** The name the replica reports: `root-kuscia-autonomy-alice-node-02`. */
  readonly replica: string;
  /** The host it runs on, as named in the cluster file. */
  readonly host: string;
  readonly cells: Readonly<Record<CheckName, Check>>;
}

/** The evidence that a deployment works: every replica and every check. As JSON, the action's `verify` output. */
export interface Matrix extends Proof {
  readonly domain: string;
  /** The result of `isHealthy`. */
  readonly healthy: boolean;
  /** Where peers reach the domain: the load balancer. */
  readonly url: string;
  readonly rows: readonly MatrixRow[];
  /** `unknown`: how many of them could not be checked; absent if none. */
  readonly nodes: { readonly ready: number; readonly total: number; readonly unknown?: number };
  readonly pairs: { readonly connected: number; readonly total: number; readonly unknown?: number };
  /** Absent in output of earlier versions. */
  readonly database?: 'works' | 'fails' | 'unknown';
  /** Hosts that do not respond; absent if none. */
  readonly silent?: readonly string[];
  /** Problems to look into although every check is ok; absent if none. */
  readonly warnings?: readonly Failure[];
  /** How long the checks took, in milliseconds. */
  readonly ms: number;
}

/**
 * The definition of healthy: there are replicas, all their checks are ok, every host responds, every node is Ready and
 * every pair is connected.
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

/** The replicas that peers can reach through the load balancer. */
export const serving = ({ rows }: Pick<Matrix, 'rows'>): readonly MatrixRow[] =>
  rows.filter(({ cells }) => cells.throughLb.ok);
