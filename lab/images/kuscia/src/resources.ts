/** One kind of API object: how kubectl calls it, where it lives, and what `kubectl get` shows of it. */
export interface Resource {
  readonly plural: string;
  readonly names: readonly string[];
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** Its folder under /registry where that is not group/plural. */
  readonly folder?: string;
}

const kuscia = (plural: string, kind: string, namespaced: boolean, short?: string): Resource => ({
  plural,
  names: [plural, kind.toLowerCase(), ...(short ? [short] : [])],
  group: 'kuscia.secretflow',
  version: 'v1alpha1',
  kind,
  namespaced,
});

/** Kuscia's own kinds, in the order `kubectl api-resources` lists them. */
export const kusciaKinds: readonly Resource[] = [
  kuscia('appimages', 'AppImage', false, 'aimg'),
  kuscia('clusterdomainroutes', 'ClusterDomainRoute', false, 'cdr'),
  kuscia('domainappimages', 'DomainAppImage', true, 'daimg'),
  kuscia('domaindatagrants', 'DomainDataGrant', true, 'ddg'),
  kuscia('domaindatas', 'DomainData', true, 'kdd'),
  kuscia('domaindatasources', 'DomainDataSource', true, 'dds'),
  kuscia('domainroutes', 'DomainRoute', true, 'dr'),
  kuscia('domains', 'Domain', false),
  kuscia('gateways', 'Gateway', true, 'gw'),
  kuscia('interopconfigs', 'InteropConfig', false, 'interop'),
  kuscia('kusciadeployments', 'KusciaDeployment', true, 'kd'),
  kuscia('kusciadeploymentsummaries', 'KusciaDeploymentSummary', true, 'kds'),
  kuscia('kusciajobs', 'KusciaJob', true, 'kj'),
  kuscia('kusciajobsummaries', 'KusciaJobSummary', true, 'kjs'),
  kuscia('kusciatasks', 'KusciaTask', true, 'kt'),
  kuscia('kusciatasksummaries', 'KusciaTaskSummary', true, 'kts'),
  kuscia('taskresourcegroups', 'TaskResourceGroup', false, 'trg'),
  kuscia('taskresources', 'TaskResource', true, 'tr'),
];

/** Every kind the stand-in knows. */
export const resources: readonly Resource[] = [
  ...kusciaKinds,
  {
    plural: 'nodes',
    names: ['nodes', 'node', 'no'],
    group: '',
    version: 'v1',
    kind: 'Node',
    namespaced: false,
    folder: 'minions',
  },
  {
    plural: 'namespaces',
    names: ['namespaces', 'namespace', 'ns'],
    group: '',
    version: 'v1',
    kind: 'Namespace',
    namespaced: false,
    folder: 'namespaces',
  },
  {
    plural: 'pods',
    names: ['pods', 'pod', 'po'],
    group: '',
    version: 'v1',
    kind: 'Pod',
    namespaced: true,
    folder: 'pods',
  },
  {
    plural: 'leases',
    names: ['leases', 'lease'],
    group: 'coordination.k8s.io',
    version: 'v1',
    kind: 'Lease',
    namespaced: true,
    folder: 'leases',
  },
  {
    plural: 'customresourcedefinitions',
    names: ['customresourcedefinitions', 'customresourcedefinition', 'crd', 'crds'],
    group: 'apiextensions.k8s.io',
    version: 'v1',
    kind: 'CustomResourceDefinition',
    namespaced: false,
  },
];

/** The kind kubectl means by this word, e.g. `gw`, `gateways`, `gateways.kuscia.secretflow`. */
export function findResource(word: string): Resource | undefined {
  const lower = word.toLowerCase();
  return resources.find(
    ({ names, plural, group }) => names.includes(lower) || (group !== '' && lower === `${plural}.${group}`),
  );
}

/** The kind of this name, for code that knows it exists. */
export function resource(plural: string): Resource {
  const found = resources.find((candidate) => candidate.plural === plural);
  if (!found) throw new Error(`no resource ${plural}`);
  return found;
}

/** The prefix of the keys of all objects of a kind, in a namespace or in all. */
export function keyPrefix({ folder, group, plural, namespaced }: Resource, namespace?: string): string {
  return `/registry/${folder ?? `${group}/${plural}`}/${namespaced && namespace ? `${namespace}/` : ''}`;
}

/** The key of one object, e.g. /registry/kuscia.secretflow/gateways/alice/NAME. */
export function keyOf(kind: Resource, name: string, namespace?: string): string {
  return `${keyPrefix(kind, namespace)}${name}`;
}

/** `gateways.kuscia.secretflow`, or just `nodes` in the core group. */
export function fullName({ plural, group }: Resource): string {
  return group ? `${plural}.${group}` : plural;
}
