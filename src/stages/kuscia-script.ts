import type { Deployment } from '../cluster/deployment.ts';
import { ensureImage } from '../docker/images.ts';
import type { Act } from '../engine/ask.ts';
import { extractScript } from '../kuscia/commands.ts';

const scripts = new WeakMap<Deployment, Map<string, Promise<void>>>();

/** Takes kuscia.sh out of the image, once for each host of a run. */
export function takeScript(act: Act, deployment: Deployment, host: string): Promise<void> {
  const byHost = scripts.get(deployment) ?? new Map<string, Promise<void>>();
  scripts.set(deployment, byHost);
  const known = byHost.get(host);
  if (known) return known;
  const taking = ensureImage(act, host, deployment.cluster.image, deployment).then(async () => void (await act.run(host, extractScript(deployment.cluster))));
  byHost.set(host, taking);
  // Whoever comes next may have better luck.
  taking.catch(() => byHost.delete(host));
  return taking;
}
