import type { Deployment } from '../cluster/deployment.ts';
import type { Act } from '../engine/ask.ts';
import { trouble } from '../engine/errors.ts';
import { ending, lastLine, succeeded } from '../engine/outcome.ts';
import { pullImage } from './commands.ts';
import { image } from './facts.ts';

/** Pulls the image unless the host has it. Throws a Trouble that says which image and what the registry answered. */
export async function ensureImage(act: Act, host: string, name: string, { cluster, secrets }: Deployment): Promise<void> {
  const fact = await act.ask(host, image(name));
  if (fact.is === 'present') return;
  const { registry } = cluster;
  const login = registry && secrets.registryPassword && isFrom(name, registry.server) ? { ...registry, password: secrets.registryPassword } : undefined;
  act.say(host, `pulling ${name}`);
  const outcome = await act.attempt(host, pullImage(name, login));
  if (succeeded(outcome)) return;
  throw trouble({
    code: outcome.ended === 'lost' ? 'connection-lost' : 'image-unavailable',
    host,
    what: `could not pull ${name}`,
    evidence: `${ending(outcome)}: ${lastLine(outcome)}`,
    remedy: 'See that the name and tag exist, that the host reaches the registry, and that the registry login of the cluster file is right.',
  });
}

/** Whether the image's name begins with that registry server. */
const isFrom = (name: string, server: string): boolean => name.startsWith(`${server}/`) || (server === 'docker.io' && !/^[^/]*[.:][^/]*\//.test(name));
