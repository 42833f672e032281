import { hostsWith, type Host } from '../cluster/cluster.ts';
import type { Deployment } from '../cluster/deployment.ts';
import { folders } from '../cluster/folders.ts';
import { writeJoinTokens, writeProvenance } from '../cluster/job-outputs.ts';
import { markTokens, readJoinToken } from '../docker/commands.ts';
import { imageIdentity } from '../docker/facts.ts';
import type { Act, Ask } from '../engine/ask.ts';
import { deploymentError } from '../engine/errors.ts';
import { failedTo, present, unknown, whyNot, type Fact, type Query } from '../engine/fact.ts';
import { Secret } from '../engine/secret.ts';
import { openFile } from '../host/files.ts';
import { hashScript, scriptDigest } from '../kuscia/commands.ts';
import type { StageName } from './names.ts';
import { anchor, askEngines, engineOf } from './swarm.ts';

/** What a stage hands to the jobs after it, once it has settled. */
export interface JobOutput {
  readonly kind: 'join-tokens' | 'kuscia-configuration' | 'provenance';
  readonly content: Secret;
}

/**
 * Reads from the hosts what these stages hand on, as far as it lies on a host whose part this run takes. Throws a
 * DeploymentError when something cannot be read, or the tokens not be marked.
 */
export async function readJobOutputs(
  stages: readonly StageName[],
  deployment: Deployment,
  ask: Ask & Pick<Act, 'run'>,
  takes: (host: string) => boolean,
): Promise<JobOutput[]> {
  const handings: JobOutput[] = [];
  if (stages.includes('swarm-init')) {
    const engines = await askEngines(ask, deployment.cluster);
    const manager = anchor(deployment.cluster, engines);
    // Tokens that nobody needs do not travel.
    const outside = deployment.cluster.hosts.filter((host) => !engineOf(engines, host)?.swarm.nodeId);
    if (outside.length > 0 && takes(manager.name)) {
      // Before they leave the host: whatever becomes of this run, a later one sees that they must be rotated.
      await ask.run(
        manager.name,
        markTokens(deployment.cluster.domain, engineOf(engines, manager)?.swarm.nodeId ?? ''),
      );
      handings.push(await joinTokens(ask, manager));
    }
  }
  const [replica] = hostsWith(deployment.cluster, 'replica');
  if (stages.includes('kuscia-init') && replica && takes(replica.name))
    handings.push(...(await configuration(ask, deployment, replica)));
  return handings;
}

const joinToken = (role: 'manager' | 'worker'): Query<Secret> => ({
  command: readJoinToken(role),
  read: (outcome) =>
    outcome.code === 0 && outcome.stdout.trim() !== ''
      ? present(new Secret(`${role} join token`, outcome.stdout.trim()))
      : failedTo(`read the ${role} join token`, { ...outcome, stdout: '' }),
});

async function joinTokens(ask: Ask, manager: Host): Promise<JobOutput> {
  const facts = await Promise.all([
    ask.ask(manager.name, joinToken('manager')),
    ask.ask(manager.name, joinToken('worker')),
  ]);
  const [ofManager, ofWorker] = [known(facts[0], manager), known(facts[1], manager)];
  for (const token of [ofManager, ofWorker]) ask.learn(token);
  return { kind: 'join-tokens', content: writeJoinTokens({ manager: ofManager, worker: ofWorker }) };
}

async function configuration(ask: Ask & Pick<Act, 'run'>, { cluster }: Deployment, host: Host): Promise<JobOutput[]> {
  const [onFile, identity] = await Promise.all([
    ask.ask(host.name, openFile(folders(cluster).config, 'Kuscia configuration')),
    ask.ask(host.name, imageIdentity(cluster.image)),
  ]);
  const [{ content }, image] = [known(onFile, host), known(identity, host)];
  const printed = await ask.run(host.name, hashScript(cluster));
  const digest = scriptDigest(printed);
  const script = known(
    digest === undefined ? unknown(`could not read kuscia.sh in the image: ${printed.trim()}`) : present(digest),
    host,
  );
  return [
    { kind: 'kuscia-configuration', content },
    { kind: 'provenance', content: writeProvenance({ image, script }) },
  ];
}

/** What must be there for it to be handed on. */
function known<T>(fact: Fact<T>, host: Host): T {
  if (fact.is === 'present') return fact.value;
  throw deploymentError({
    code: 'fact-unknown',
    host: host.name,
    what: 'what later jobs need could not be read',
    evidence: whyNot(fact, 'it no longer exists'),
    remedy: 'Fix the reported problem, then run this job again.',
  });
}
