import type { Host } from '../cluster/cluster.ts';
import type { Deployment } from '../cluster/deployment.ts';
import { folders } from '../cluster/folders.ts';
import { imageIdentity, sameImage, type ImageIdentity } from '../docker/facts.ts';
import { ensureImage } from '../docker/images.ts';
import type { Act } from '../engine/ask.ts';
import { sha256 } from '../engine/digest.ts';
import { deploymentError, DeploymentError, type Failure } from '../engine/errors.ts';
import { valueOf, whyNot, type Fact } from '../engine/fact.ts';
import { file, type HostFile } from '../host/files.ts';
import { extractScript } from '../kuscia/commands.ts';

const notFetched = (): { taking?: Promise<void> } => ({});

/** Takes kuscia.sh out of the image, once per host and run. */
export function fetchScript(act: Act, deployment: Deployment, host: string): Promise<void> {
  const script = act.cached(host, notFetched);
  script.taking ??= ensureImage(act, host, deployment.cluster.image, deployment)
    .then(async () => void (await act.run(host, extractScript(deployment.cluster))))
    .catch((thrown: unknown) => {
      // The next caller may succeed.
      delete script.taking;
      throw thrown;
    });
  return script.taking;
}

/** How the host differs from what the earlier job passed on; nothing if no job did. */
export function receivedMismatches(
  { cluster, received }: Deployment,
  {
    host,
    identity,
    file,
  }: { readonly host: Host; readonly identity: Fact<ImageIdentity>; readonly file: Fact<HostFile> },
): Failure[] {
  const mismatch = (what: string, evidence: string, remedy: string): Failure => ({
    code: 'host-changed',
    host: host.name,
    what,
    evidence,
    remedy,
  });
  const failures: Failure[] = [];
  const { provenance, configuration } = received ?? {};
  if (provenance && identity.is === 'present' && !sameImage(identity.value, provenance.image)) {
    failures.push(
      mismatch(
        `the image ${cluster.image} is not the one that the domain was initialised with`,
        `${identity.value.id} on ${host.name}, ${provenance.image.id} at initialisation`,
        `Remove the image on ${host.name} (docker image rm ${cluster.image}) so that it is pulled again, or give it ` +
          'by digest in the cluster file. Then run again.',
      ),
    );
  }
  const config = folders(cluster).config;
  const wanted = configuration && sha256(configuration);
  if (wanted !== undefined && valueOf(file)?.sha256 !== wanted) {
    failures.push(
      mismatch(
        `${config} is not what kuscia-init wrote`,
        file.is === 'present' ? `sha256 ${file.value.sha256.slice(0, 12)}, expected ${wanted.slice(0, 12)}` : 'absent',
        'Run the job kuscia-init again (or the whole run): it makes the configuration the same on every host.',
      ),
    );
  }
  return failures;
}

/** Throws unless image and kuscia.sh match what the earlier job passed on, if one did. */
export async function verifyScript(act: Act, deployment: Deployment, host: Host): Promise<void> {
  const { cluster, received } = deployment;
  if (!received) return;
  const [pulled, config, script] = await Promise.all([
    act.ask(host.name, imageIdentity(cluster.image)),
    act.ask(host.name, file(folders(cluster).config)),
    act.ask(host.name, file(folders(cluster).script)),
  ]);
  const mismatches = receivedMismatches(deployment, { host, identity: pulled, file: config });
  if (mismatches.length > 0) throw new DeploymentError(mismatches);
  if (received.provenance && pulled.is !== 'present') {
    throw deploymentError({
      code: 'fact-unknown',
      host: host.name,
      what: 'cannot tell whether the image is the one that the domain was initialised with',
      evidence: whyNot(pulled, 'absent'),
      remedy: 'Fix the reported problem, then run again.',
    });
  }
  const wanted = received.provenance?.script;
  if (wanted === undefined || valueOf(script)?.sha256 === wanted) return;
  throw deploymentError({
    code: 'host-changed',
    host: host.name,
    what: 'kuscia.sh is not the one that the domain was initialised with',
    evidence:
      script.is === 'present'
        ? `sha256 ${script.value.sha256.slice(0, 12)}, expected ${wanted.slice(0, 12)}`
        : 'absent',
    remedy:
      `Remove the image on ${host.name} (docker image rm ${cluster.image}) so that it is pulled again, then run ` +
      'again.',
  });
}
