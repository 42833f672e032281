import type { Host } from '../cluster/cluster.ts';
import type { Deployment } from '../cluster/deployment.ts';
import { joinSwarm, readJoinToken, UNRESOLVED } from '../docker/commands.ts';
import { archiveOf, ensureImage } from '../docker/images.ts';
import type { Act } from '../engine/ask.ts';
import { LOST_REMEDY } from '../engine/command-failure.ts';
import { deploymentError, type Failure } from '../engine/errors.ts';
import { ending, lastLine, succeeded, type Outcome } from '../engine/outcome.ts';
import { Secret } from '../engine/secret.ts';
import { leadManager, type Engines } from './swarm.ts';

/** Joins the host to the swarm in its role. Throws a DeploymentError. */
export async function join(
  act: Act,
  deployment: Deployment,
  engines: Engines,
  host: Host,
  role: 'manager' | 'worker',
): Promise<void> {
  const { cluster, received } = deployment;
  const manager = leadManager(cluster, engines);
  if (received && !received.joinTokens) throw deploymentError(noTokens(host));
  // A host without curl uses the image's, and would have to pull the image.
  if (archiveOf(deployment, cluster.network.probeImage))
    await ensureImage(act, host.name, cluster.network.probeImage, deployment);
  const token =
    received?.joinTokens?.[role] ??
    new Secret(`${role} join token`, (await act.run(manager.name, readJoinToken(role))).trim());
  act.learn(token);
  const command = joinSwarm(host.address, `${manager.address}:2377`, token, cluster.network.probeImage);
  const outcome = await act.attempt(host.name, command);
  const status = outcome.stdout.split('\n').at(-1)?.trim();
  if (succeeded(outcome) && status === '200') return;
  // Source: swarmkit, ca/server.go: "A valid join token is necessary to join this cluster".
  if (succeeded(outcome) && /join token/i.test(outcome.stdout))
    throw deploymentError(tokenRefused(host, manager, outcome.stdout, received?.joinTokens !== undefined));
  throw deploymentError({
    code: outcome.ended === 'lost' ? 'connection-lost' : 'command-failed',
    host: host.name,
    what: `could not join the swarm of ${manager.name} (${manager.address}:2377)`,
    evidence: succeeded(outcome) ? outcome.stdout.trim() : `${ending(outcome)}: ${lastLine(outcome)}`,
    remedy: joinRemedy(host, manager, outcome),
  });
}

/** The remedy depends on where it failed: on the way to the host's own engine, or inside that engine. */
function joinRemedy(host: Host, manager: Host, outcome: Outcome): string {
  if (outcome.ended === 'lost') return LOST_REMEDY;
  if (outcome.ended === 'exited' && outcome.code === UNRESOLVED)
    return (
      `Give ${host.name} an IP address in the cluster file, or a name that the host itself resolves (getent hosts ` +
      `${host.address}), then run again.`
    );
  if (!succeeded(outcome))
    return (
      `Check that the engine of ${host.name} answers on that host: curl --unix-socket /var/run/docker.sock ` +
      'http://docker/info. Then run again.'
    );
  return (
    `The engine of ${host.name} refused; the evidence is its answer. If that mentions time or a connection, check ` +
    `that ${host.name} reaches ${manager.address} on 2377/tcp and 7946/tcp. Then run again.`
  );
}

const noTokens = (host: Host): Failure => ({
  code: 'artifact-missing',
  host: host.name,
  what: 'no earlier job has passed on the join tokens',
  remedy: 'Run the job swarm-init of this run again, or the whole workflow: artifacts expire after one day.',
});

function tokenRefused(host: Host, manager: Host, answer: string, fromEarlierJob: boolean): Failure {
  const remedy = fromEarlierJob
    ? 'The tokens were rotated after swarm-init had passed them on. Run the job swarm-init again (or the whole run) ' +
      'to pass on the current ones, then run this job again.'
    : 'The tokens have since been rotated: run again.';
  return {
    code: 'join-token-invalid',
    host: host.name,
    what: `the swarm of ${manager.name} refuses the join token`,
    evidence: answer.trim().split('\n')[0] ?? '',
    remedy,
  };
}
