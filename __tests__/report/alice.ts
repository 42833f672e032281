import type { Cluster, Host } from '../../src/cluster/cluster.ts';
import { isHealthy, type Check, type CheckName, type Matrix } from '../../src/cluster/matrix.ts';
import type { Failure } from '../../src/engine/errors.ts';
import { Plan, type Step } from '../../src/engine/plan.ts';
import { says } from '../support/lines.ts';

const host = (name: string, address: string, roles: Host['roles']): Host => ({
  name,
  address,
  roles,
  route: { via: 'ssh', user: 'root', port: 22 },
});

/** The tutorial's cluster. */
export const ALICE: Cluster = {
  domain: 'alice',
  image: 'secretflow/kuscia:1.1.0b0',
  hosts: [
    host('node-01', '10.0.0.11', ['manager', 'database', 'load-balancer']),
    host('node-02', '10.0.0.12', ['replica']),
    host('node-03', '10.0.0.13', ['replica']),
  ],
  network: {
    name: 'kuscia-exchange-cluster',
    subnet: '10.200.0.0/24',
    allowPublicSubnet: false,
    probeImage: 'nginx:1.27',
  },
  database: {
    kind: 'managed',
    host: 'node-01',
    image: 'mysql:8.4',
    container: 'kuscia-mysql-alice',
    volume: 'kuscia-mysql-alice',
    port: 3306,
    name: 'kine',
    user: 'kuscia',
    listen: '10.0.0.11',
  },
  ports: { gateway: 20000, internal: 20001, api: 20010, apiGrpc: 20011, metrics: 13084 },
  memory: 8 * 1024 ** 3,
  protocol: 'TLS',
  loadBalancer: { host: 'node-01', port: 8080, scheme: 'http', image: 'nginx:1.27', container: 'kuscia-lb-alice' },
  directory: 'kuscia',
};

/** A step that does nothing by default. */
export const step = (
  host: string,
  change: Step['change'],
  what: string,
  why: string,
  apply: Step['apply'] = () => Promise.resolve(),
): Step => ({ host, change, ...says(what, why), apply });

/** A plan of these parts. */
export function planOf(
  parts: Partial<Pick<Plan, 'steps' | 'satisfied' | 'later' | 'awaited' | 'failures' | 'warnings'>>,
): Plan {
  const plan = new Plan();
  for (const key of ['steps', 'satisfied', 'later', 'awaited', 'failures', 'warnings'] as const)
    plan[key].push(...((parts[key] ?? []) as never[]));
  return plan;
}

const GOOD: Readonly<Record<CheckName, string>> = {
  direct: 'ok',
  throughLb: '4 of 8',
  heartbeat: '3 s ago',
  overlay: '10.200.0.5',
  key: 'e3b0c442',
  node: 'Ready',
  version: '1.1.0b0',
};

/** The cells of a replica that passes every check, except for the given ones. */
export function cells(
  wrong: Partial<Record<CheckName, string>> = {},
  other: Partial<Record<CheckName, string>> = {},
): Record<CheckName, Check> {
  const names = Object.keys(GOOD) as CheckName[];
  return Object.fromEntries(
    names.map((name) => [name, { ok: wrong[name] === undefined, text: wrong[name] ?? other[name] ?? GOOD[name] }]),
  ) as Record<CheckName, Check>;
}

/** The matrix of alice with two replicas; `wrong` are the failed cells of the second. */
export function matrixOf(wrong: Partial<Record<CheckName, string>> = {}, pairs = { connected: 6, total: 6 }): Matrix {
  const rows = [
    { replica: 'root-kuscia-autonomy-alice-node-02', host: 'node-02', cells: cells() },
    {
      replica: 'root-kuscia-autonomy-alice-node-03',
      host: 'node-03',
      cells: cells(wrong, { heartbeat: '7 s ago', overlay: '10.200.0.9' }),
    },
  ];
  const nodes = { ready: 3, total: 3 };
  return {
    domain: 'alice',
    healthy: isHealthy({ rows, nodes, pairs }),
    url: 'http://10.0.0.11:8080',
    rows,
    nodes,
    pairs,
    ms: 1_300,
  };
}

/** The failure of the design's example. */
export const CUT: Failure = {
  code: 'data-path-cut',
  host: 'node-02',
  what: 'node-02 cannot reach node-03 over kuscia-exchange-cluster',
  evidence:
    '1400-byte payload from 10.200.0.5 to 10.200.0.9: no answer in 5 s\nnode-03 engine log: "error creating vxlan interface: file exists"',
  cause: 'a stale VXLAN interface was left on node-03 by an engine that was killed',
  remedy: 'Run again with repair: true, or restart the Docker Engine on node-03.',
};
