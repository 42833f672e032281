import type { Cluster } from '../cluster/cluster.ts';
import type { Deployment } from '../cluster/deployment.ts';
import { planContainer, planRemoval } from '../docker/bring-about.ts';
import { ensureImage, knownImage, movedImage } from '../docker/images.ts';
import { probeName } from '../docker/probe.ts';
import { notRunning } from '../docker/replace.ts';
import type { Wanted } from '../docker/wanted.ts';
import { seen, type About, type Difference, type Kind, type Reason } from '../engine/about.ts';
import { absent, valueOf } from '../engine/fact.ts';
import { Plan } from '../engine/plan.ts';
import type { NetworkFacts, OnHost } from './network-facts.ts';
import { lacksPrograms, probeDifference, startProbe, unfitProbe } from './probe.ts';

const probeOf = (cluster: Cluster, kind: Kind): About => ({ kind, thing: 'probe', name: probeName(cluster) });

/** Announces that the probe will be created once more is known. */
export function planProbeLater(
  plan: Plan,
  deployment: Deployment,
  { host, probeImage }: OnHost,
  because: Reason['because'],
): void {
  const image = knownImage(deployment, deployment.cluster.network.probeImage, probeImage);
  plan.later.push({
    host: host.name,
    about: probeOf(deployment.cluster, 'create'),
    why: { because },
    ...(image && { image }),
  });
}

/**
 * The host whose probe has the same address as this one. An engine that comes back from a crash before its swarm does
 * starts the probe with an address of its own choice (seen with Docker 20.10: "peerDbAdd transient condition" in its
 * log); then not every host reaches either of them, and waiting does not fix it.
 */
function duplicateAddress(
  { network }: Cluster,
  { host, probe }: OnHost,
  { hosts }: NetworkFacts,
): Difference | undefined {
  const address = valueOf(probe)?.current?.addresses[network.name] ?? '';
  if (address === '') return undefined;
  const duplicates = hosts
    .filter((other) => other.host !== host)
    .flatMap((other) =>
      (valueOf(other.containers) ?? [])
        .filter((each) => each.addresses[network.name] === address)
        .map((each) => `${each.name} on ${other.host.name}`),
    );
  return duplicates.length > 0 ? { field: 'address', from: address, of: duplicates.join(', ') } : undefined;
}

/** Plans the probe of one host. */
export function planProbe(plan: Plan, deployment: Deployment, onHost: OnHost, facts: NetworkFacts): void {
  const [{ cluster }, { host, probe }] = [deployment, onHost];
  const current = valueOf(probe)?.current;
  // A different image fixes it; until then, restarting the probe fixes nothing.
  if (
    current &&
    lacksPrograms(current) &&
    probeDifference(cluster, current, onHost.probeImage, undefined) === undefined &&
    movedImage(current, cluster.network.probeImage, onHost.probeImage) === undefined
  ) {
    plan.failures.push(
      unfitProbe(cluster, host, `${current.name} exited with ${current.exitCode}: a program is missing`),
    );
    return;
  }
  const wanted = wantedProbe(deployment, onHost, facts);
  const found = planContainer(plan, wanted, valueOf(probe) ?? { current: undefined, former: undefined });
  const stopped = current ?? valueOf(probe)?.former;
  // What it was started with is known only while it runs.
  if (!found && stopped?.state === 'exited' && (wanted.difference(stopped) ?? wanted.moved?.(stopped)) === undefined)
    planProbeLater(plan, deployment, onHost, 'if-outdated');
  if (found)
    plan.satisfied.push({
      host: host.name,
      about: probeOf(cluster, 'be-there'),
      why: seen(`running on ${cluster.network.name}`),
    });
}

/** Plans the removal of one host's probe. */
export const planNoProbe = (plan: Plan, deployment: Deployment, onHost: OnHost, facts: NetworkFacts): void =>
  planRemoval(
    plan,
    wantedProbe(deployment, onHost, facts),
    valueOf(onHost.probe) ?? { current: undefined, former: undefined },
    'none on this host',
  );

/** How long a replacement may take to work, in milliseconds: longer than the run that made it waits. */
const PATIENCE_MS = 150_000;

/**
 * A probe works if it answered and has everything it needs: a probe that keeps crashing also runs for a moment each
 * time.
 */
function stateOf({ host, probe, machine }: OnHost, { paths }: NetworkFacts): Wanted['state'] {
  const report = valueOf(paths.get(host.name) ?? absent);
  if (report && report.missing.length === 0) return 'works';
  const current = valueOf(probe)?.current;
  return current && (valueOf(machine)?.clock ?? 0) - current.createdAt < PATIENCE_MS ? 'starting' : 'broken';
}

function wantedProbe(deployment: Deployment, onHost: OnHost, facts: NetworkFacts): Wanted {
  const { cluster } = deployment;
  const { host, probeImage } = onHost;
  const image = cluster.network.probeImage;
  const name = probeName(cluster);
  return {
    host: host.name,
    name,
    kind: 'probe',
    stopping: { seconds: 10 },
    difference: (container) =>
      probeDifference(cluster, container, probeImage, valueOf(facts.paths.get(host.name) ?? absent)) ??
      duplicateAddress(cluster, onHost, facts),
    moved: (container) => movedImage(container, image, probeImage),
    image: knownImage(deployment, image, probeImage),
    state: stateOf(onHost, facts),
    prepare: (act) => ensureImage(act, host.name, image, deployment),
    rehearsal: () => ({ image, ports: [], options: [`--network=${cluster.network.name}`] }),
    create: (act) => startProbe(act, cluster, host),
    fault: (act) => notRunning(act, host.name, name),
  };
}
