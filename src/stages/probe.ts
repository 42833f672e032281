import type { Cluster, Host } from '../cluster/cluster.ts';
import type { Container } from '../docker/containers.ts';
import { differenceFrom } from '../docker/difference.ts';
import { PROBE_VERSION, runProbe, type ProbeReport } from '../docker/probe.ts';
import type { Difference } from '../engine/about.ts';
import type { Act } from '../engine/ask.ts';
import { commandFailure } from '../engine/command-failure.ts';
import { deploymentError, type Failure } from '../engine/errors.ts';
import type { Fact } from '../engine/fact.ts';
import { lastLine, succeeded } from '../engine/outcome.ts';

/**
 * Exit codes of docker and shells for a program that does not exist or cannot be run. Source: Docker's docs, "docker
 * run", exit status.
 */
const NO_PROGRAM = [126, 127];

/** Why a probe must be recreated: its image, its network, or what it was started with. */
export function probeDifference(
  { network }: Cluster,
  current: Container,
  probeImage: Fact<string>,
  report: ProbeReport | undefined,
): Difference | undefined {
  const differs = differenceFrom({ image: network.probeImage, network: network.name }, current, probeImage);
  if (differs !== undefined) return differs;
  if (report === undefined || report.missing.length > 0) return undefined;
  if (report.version !== PROBE_VERSION) return { field: 'version' };
  return report.proxies.length > 0 ? { field: 'proxy', from: report.proxies.join(', ') } : undefined;
}

/** Whether the probe exits at each start because its image lacks a program: restarting it fixes nothing. */
export const lacksPrograms = ({ state, exitCode }: Container): boolean =>
  ['restarting', 'exited'].includes(state) && NO_PROGRAM.includes(exitCode);

/** Starts the host's probe. Throws a DeploymentError, which names the image if that is the reason. */
export async function startProbe(act: Act, cluster: Cluster, host: Host): Promise<void> {
  const command = runProbe(cluster, host);
  const outcome = await act.attempt(host.name, command);
  if (outcome.ended === 'exited' && NO_PROGRAM.includes(outcome.code))
    throw deploymentError(unfitProbe(cluster, host, lastLine(outcome)));
  if (!succeeded(outcome)) throw deploymentError(commandFailure(host.name, command, outcome));
}

/** The failure of a probe that cannot serve its purpose. */
export const unfitProbe = ({ network }: Cluster, host: Host, evidence: string): Failure => ({
  code: 'probe-unfit',
  host: host.name,
  what: `the probe cannot work with the image ${network.probeImage}`,
  evidence,
  remedy:
    'Set network.probe-image in the cluster file to an image that contains nginx, curl and bash, such as ' +
    'nginx:1.26 (if it is not set, load-balancer.image is used). Then run again.',
  definite: true,
});
