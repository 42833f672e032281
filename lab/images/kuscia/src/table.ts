import type { KubeObject } from './kine.ts';
import { conditionOf } from './objects.ts';
import { fullName, type Resource } from './resources.ts';

type Columns = readonly (readonly [heading: string, cell: (object: KubeObject, now: Date) => string])[];

const text = (value: unknown): string => (typeof value === 'string' || typeof value === 'number' ? String(value) : '');
const field =
  (part: 'spec' | 'status', key: string) =>
  (object: KubeObject): string =>
    text(object[part]?.[key]);
const age = (object: KubeObject, now: Date): string =>
  humanAge(now.getTime() - Date.parse(object.metadata.creationTimestamp ?? ''));
const host = (object: KubeObject): string => text((object.spec?.endpoint as { host?: string } | undefined)?.host);

interface ContainerState {
  readonly ready: boolean;
  readonly restartCount: number;
  readonly state: {
    readonly waiting?: { readonly reason?: string };
    readonly terminated?: { readonly reason?: string };
  };
}

const states = (pod: KubeObject): ContainerState[] =>
  (pod.status?.containerStatuses as ContainerState[] | undefined) ?? [];

/** In one word: what the container waits for or ended with, else the phase. */
function podStatus(pod: KubeObject): string {
  if (pod.metadata.deletionTimestamp !== undefined) return 'Terminating';
  const { waiting, terminated } = states(pod)[0]?.state ?? {};
  return waiting?.reason ?? terminated?.reason ?? text(pod.status?.phase);
}

const route: Columns = [
  ['SOURCE', field('spec', 'source')],
  ['DESTINATION', field('spec', 'destination')],
  ['HOST', host],
  ['AUTHENTICATION', field('spec', 'authenticationType')],
];

const columns: Readonly<Record<string, Columns>> = {
  gateways: [
    ['CREATIONTIME', ({ metadata }) => metadata.creationTimestamp ?? ''],
    ['UPTIME', field('status', 'uptime')],
    ['HEARTBEATTIME', field('status', 'heartbeatTime')],
    ['ADDRESS', field('status', 'address')],
    ['VERSION', field('status', 'version')],
  ],
  nodes: [
    ['STATUS', (node) => (conditionOf(node, 'Ready')?.status === 'True' ? 'Ready' : 'NotReady')],
    ['ROLES', (node) => node.metadata.labels?.['kubernetes.io/role'] ?? '<none>'],
    ['AGE', age],
    ['VERSION', (node) => text((node.status?.nodeInfo as Record<string, string> | undefined)?.kubeletVersion)],
  ],
  clusterdomainroutes: [...route, ['READY', (object) => conditionOf(object, 'Ready')?.status ?? '']],
  domainroutes: route,
  pods: [
    ['READY', (pod) => `${states(pod).filter(({ ready }) => ready).length}/${states(pod).length}`],
    ['STATUS', podStatus],
    ['RESTARTS', (pod) => String(states(pod).reduce((sum, { restartCount }) => sum + restartCount, 0))],
    ['AGE', age],
  ],
  namespaces: [
    ['STATUS', field('status', 'phase')],
    ['AGE', age],
  ],
  leases: [
    ['HOLDER', field('spec', 'holderIdentity')],
    ['AGE', age],
  ],
  customresourcedefinitions: [['CREATED AT', ({ metadata }) => metadata.creationTimestamp ?? '']],
};

const info =
  (key: string) =>
  (node: KubeObject): string =>
    text((node.status?.nodeInfo as Record<string, string> | undefined)?.[key]) || '<unknown>';
const wide: Readonly<Record<string, Columns>> = {
  pods: [
    ['IP', (pod) => text(pod.status?.podIP) || '<none>'],
    ['NODE', (pod) => text(pod.spec?.nodeName) || '<none>'],
    ['NOMINATED NODE', () => '<none>'],
    ['READINESS GATES', () => '<none>'],
  ],
  nodes: [
    ['INTERNAL-IP', (node) => text((node.status?.addresses as { address: string }[] | undefined)?.[0]?.address)],
    ['EXTERNAL-IP', () => '<none>'],
    ['OS-IMAGE', info('osImage')],
    ['KERNEL-VERSION', info('kernelVersion')],
    ['CONTAINER-RUNTIME', info('containerRuntimeVersion')],
  ],
};

export interface TableStyle {
  readonly wide?: boolean;
  readonly namespaces?: boolean;
  readonly prefixed?: boolean;
  readonly headings?: boolean;
  readonly now?: Date;
}

/** The objects as `kubectl get` prints them: columns padded to the widest cell, three blanks between. */
export function table(
  kind: Resource,
  objects: readonly KubeObject[],
  { wide: more = false, namespaces = false, prefixed = false, headings = true, now = new Date() }: TableStyle = {},
): string {
  const shown: Columns = [
    ...(namespaces ? ([['NAMESPACE', ({ metadata }) => metadata.namespace ?? '']] as Columns) : []),
    [
      'NAME',
      ({ metadata }) =>
        (prefixed
          ? `${kind.group ? fullName({ ...kind, plural: kind.kind.toLowerCase() }) : kind.kind.toLowerCase()}/`
          : '') + metadata.name,
    ],
    ...(columns[kind.plural] ?? ([['AGE', age]] as Columns)),
    ...(more ? (wide[kind.plural] ?? []) : []),
  ];
  const rows = [
    ...(headings ? [shown.map(([heading]) => heading)] : []),
    ...objects.map((object) => shown.map(([, cell]) => cell(object, now))),
  ];
  const widths = shown.map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  return rows
    .map(
      (row) =>
        `${row.map((cell, at) => (at === row.length - 1 ? cell : cell.padEnd((widths[at] ?? 0) + 3))).join('')}\n`,
    )
    .join('');
}

/** A duration as kubectl's AGE: 59s, 117s, 2m4s, 10m, 3h25m, 2d. */
export function humanAge(milliseconds: number): string {
  const total = Math.max(0, Math.floor(milliseconds / 1000));
  const [minutes, hours, days] = [Math.floor(total / 60), Math.floor(total / 3600), Math.floor(total / 86400)];
  const pair = (large: string, small: number, unit: string): string => (small ? `${large}${small}${unit}` : large);
  if (total < 120) return `${total}s`;
  if (minutes < 10) return pair(`${minutes}m`, total % 60, 's');
  if (minutes < 180) return `${minutes}m`;
  if (hours < 8) return pair(`${hours}h`, minutes % 60, 'm');
  if (hours < 48) return `${hours}h`;
  if (hours < 192) return pair(`${days}d`, hours % 24, 'h');
  return `${days}d`;
}
