import type { Cluster, Host } from '../cluster/cluster.ts';
import type { Deployment } from '../cluster/deployment.ts';
import { absolute, folders } from '../cluster/folders.ts';
import type { Container } from '../docker/containers.ts';
import { differenceFrom } from '../docker/difference.ts';
import { ensureImage, knownImage, movedImage } from '../docker/images.ts';
import { portsToTry } from '../docker/replacement.ts';
import type { Wanted } from '../docker/wanted.ts';
import type { Difference } from '../engine/about.ts';
import { valueOf, whyNot, type Fact } from '../engine/fact.ts';
import { checkConfiguration, INSIDE_PORT, loadedConfiguration, runLoadBalancer } from '../nginx/commands.ts';
import { FOLDER } from '../nginx/configuration.ts';
import type { NginxFacts } from './nginx-facts.ts';
import { refuseTakenPorts } from './ports.ts';

/** Whether nginx runs and stays: one about to be replaced cannot load its new files, and need not. */
export function reloads(cluster: Cluster, facts: NginxFacts): boolean {
  const current = valueOf(facts.standing)?.current;
  return (
    current?.state === 'running' &&
    differenceOf(cluster, current, facts) === undefined &&
    movedImage(current, cluster.loadBalancer.image, facts.image) === undefined
  );
}

const folderOn = (cluster: Cluster, home: Fact<string>): string =>
  absolute(valueOf(home) ?? '/', folders(cluster).nginx);

/** How long a replacement may take to work, in milliseconds: longer than the run that made it waits. */
const PATIENCE_MS = 150_000;

/** The load balancer's container as it should be. */
export function wantedLoadBalancer(deployment: Deployment, host: Host, facts: NginxFacts): Wanted {
  const { cluster } = deployment;
  const { container: name, image, port } = cluster.loadBalancer;
  const folder = folderOn(cluster, facts.home);
  const current = valueOf(facts.standing)?.current;
  const isRecent = current !== undefined && (valueOf(facts.clock) ?? 0) - current.createdAt < PATIENCE_MS;
  return {
    host: host.name,
    name,
    kind: 'load balancer',
    details: { port: `${port}` },
    serialGroup: 'nginx',
    stopping: { seconds: 30 },
    difference: (container) => differenceOf(cluster, container, facts),
    moved: (container) => movedImage(container, image, facts.image),
    image: knownImage(deployment, image, facts.image),
    state: facts.loaded.is === 'present' ? 'works' : isRecent ? 'starting' : 'broken',
    prepare: (act) => ensureImage(act, host.name, image, deployment),
    rehearsal: (present) => ({ image, ports: portsToTry({ [INSIDE_PORT]: port }, present), options: [] }),
    proof: async (act) => void (await act.run(host.name, checkConfiguration(image, folder))),
    refused: (act) => refuseTakenPorts(act, cluster, host),
    create: async (act) => void (await act.run(host.name, runLoadBalancer(cluster.loadBalancer, folder))),
    fault: async (act) => {
      const loaded = await act.ask(host.name, loadedConfiguration(name));
      return loaded.is === 'present' ? undefined : whyNot(loaded, 'it loaded no configuration');
    },
  };
}

const differenceOf = (cluster: Cluster, current: Container, { image, home }: NginxFacts): Difference | undefined =>
  differenceFrom(
    {
      image: cluster.loadBalancer.image,
      ports: { [INSIDE_PORT]: cluster.loadBalancer.port },
      mounts: { [FOLDER]: ['files', folderOn(cluster, home)] },
    },
    current,
    image,
  );
