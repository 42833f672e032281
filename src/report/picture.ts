import { hostsWith, type Cluster, type Host } from '../cluster/cluster.ts';
import type { Failure } from '../engine/errors.ts';
import { label } from './markdown.ts';
import { CHECK_NAMES } from './matrix.ts';
import type { RunState } from './run-state.ts';

interface Box {
  readonly id: string;
  readonly text: string;
  /** The brackets that define its shape. */
  readonly shape: readonly [string, string];
  readonly bad: boolean;
}

const RECTANGLE = ['["', '"]'] as const;
const CYLINDER = ['[("', '")]'] as const;
const HEXAGON = ['{{"', '"}}'] as const;

/**
 * The cluster as a mermaid flowchart: hosts as frames, peers to load balancer to replicas to database; failures stand
 * out.
 */
export function picture(runState: RunState): string[] {
  const cluster = runState.subject?.cluster;
  if (!cluster) return [];
  const hosts = cluster.hosts.map((host, i) => ({ host, id: `host${i}`, boxes: boxesOn(host, i, cluster, runState) }));
  const replicas = hosts.flatMap(({ boxes }) => boxes.filter(({ id }) => id.startsWith('replica'))).map(({ id }) => id);
  const outside =
    cluster.database.kind === 'external'
      ? [databaseBox(`${cluster.database.address}:${cluster.database.port}`, runState)]
      : [];
  const overlay: Box = {
    id: 'overlay',
    text: `${cluster.network.name} ${cluster.network.subnet}`,
    shape: HEXAGON,
    bad: failed(runState, /^(data-path-cut|network-|subnet-)/),
  };
  const bad = [
    ...hosts.filter(({ host }) => runState.failures.some((failure) => failure.host === host.name)).map(({ id }) => id),
    ...[...hosts.flatMap(({ boxes }) => boxes), ...outside, overlay].filter((box) => box.bad).map(({ id }) => id),
  ];
  return [
    'flowchart LR',
    '  peers(["peers"])',
    ...hosts.flatMap(({ host, id, boxes }) => frame(id, host, boxes)),
    ...[...outside, overlay].map((box) => `  ${draw(box)}`),
    `  peers -->|${cluster.loadBalancer.scheme}| balancer`,
    ...replicas.flatMap((id) => [`  balancer --> ${id}`, `  ${id} --> database`, `  ${id} -.- overlay`]),
    ...(bad.length > 0
      ? ['  classDef bad fill:#ffebe9,stroke:#cf222e,color:#82071e', `  class ${bad.join(',')} bad`]
      : []),
  ];
}

function frame(id: string, host: Host, boxes: readonly Box[]): string[] {
  const text = label(`${host.name}, ${host.address}, ${host.roles.includes('manager') ? 'manager' : 'worker'}`);
  if (boxes.length === 0) return [`  ${id}["${text}"]`];
  return [`  subgraph ${id}["${text}"]`, ...boxes.map((box) => `    ${draw(box)}`), '  end'];
}

const draw = ({ id, text, shape: [open, close] }: Box): string => `${id}${open}${label(text)}${close}`;

function boxesOn(host: Host, index: number, cluster: Cluster, runState: RunState): Box[] {
  const { loadBalancer, database } = cluster;
  return [
    ...(loadBalancer.host === host.name
      ? [
          {
            id: 'balancer',
            text: `nginx :${loadBalancer.port}`,
            shape: RECTANGLE,
            bad: failed(runState, /^load-balancer-/),
          },
        ]
      : []),
    ...(hostsWith(cluster, 'replica').includes(host) ? [replicaBox(host, index, cluster, runState)] : []),
    ...(database.kind === 'managed' && database.host === host.name ? [databaseBox(`:${database.port}`, runState)] : []),
  ];
}

function replicaBox(host: Host, index: number, cluster: Cluster, runState: RunState): Box {
  const row = runState.matrix?.rows.find((candidate) => candidate.host === host.name);
  const wrong = CHECK_NAMES.filter((name) => row && !row.cells[name].ok && row.cells[name].unknown !== true);
  const open = CHECK_NAMES.filter((name) => row?.cells[name].unknown === true);
  return {
    id: `replica${index}`,
    text:
      `Kuscia ${cluster.domain} :${cluster.ports.gateway}` +
      (wrong.length > 0 ? `, ${wrong.length} of ${CHECK_NAMES.length} checks fail` : '') +
      (open.length > 0 ? `, ${open.length} not known` : ''),
    shape: RECTANGLE,
    bad: wrong.length > 0,
  };
}

const databaseBox = (where: string, runState: RunState): Box => ({
  id: 'database',
  text: `MySQL ${where}`,
  shape: CYLINDER,
  bad: failed(runState, /^database-/),
});

const failed = (runState: RunState, codes: RegExp): boolean =>
  runState.failures.some(({ code }: Failure) => codes.test(code));
