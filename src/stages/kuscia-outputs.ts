import { hostsWith } from '../cluster/cluster.ts';
import type { Deployment } from '../cluster/deployment.ts';
import { writeProvenance, type JobOutput } from '../cluster/job-outputs.ts';
import { imageIdentity } from '../docker/facts.ts';
import type { Act, Ask } from '../engine/ask.ts';
import { present, unknown } from '../engine/fact.ts';
import { openFile } from '../host/files.ts';
import { hashScript, scriptDigest } from '../kuscia/commands.ts';
import { folders } from '../cluster/folders.ts';
import { requireValue } from './job-outputs.ts';

/** The configuration on the first replica's host, and the image and script that its replica is started from. */
export async function leaveConfiguration(
  ask: Ask & Pick<Act, 'run'>,
  { cluster }: Deployment,
  takes: (host: string) => boolean,
): Promise<JobOutput[]> {
  const [host] = hostsWith(cluster, 'replica');
  if (!host || !takes(host.name)) return [];
  const [onFile, identity] = await Promise.all([
    ask.ask(host.name, openFile(folders(cluster).config, 'Kuscia configuration')),
    ask.ask(host.name, imageIdentity(cluster.image)),
  ]);
  const [{ content }, image] = [requireValue(onFile, host), requireValue(identity, host)];
  const printed = await ask.run(host.name, hashScript(cluster));
  const digest = scriptDigest(printed);
  const script = requireValue(
    digest === undefined ? unknown(`could not read kuscia.sh in the image: ${printed.trim()}`) : present(digest),
    host,
  );
  return [
    { kind: 'kuscia-configuration', content },
    { kind: 'provenance', content: writeProvenance({ image, script }) },
  ];
}
