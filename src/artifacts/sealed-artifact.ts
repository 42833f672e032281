import { timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { OUTPUTS, type OutputKind } from '../cluster/job-outputs.ts';
import { deploymentError, type Failure } from '../engine/errors.ts';
import { Secret } from '../engine/secret.ts';
import { open, proofOf, seal } from './seal.ts';

/** The kinds of artifacts exchanged between jobs other than the outputs of stages, and the job that creates each. */
const MADE_BY = { plan: 'plan', snapshot: 'snapshot', logs: '' } as const;

export type Kind = keyof typeof MADE_BY | OutputKind;
const KINDS = [...Object.keys(OUTPUTS), ...Object.keys(MADE_BY)] as [Kind, ...Kind[]];

/** The run that an artifact belongs to; sealed with it, so that artifacts of other runs are rejected. */
export interface Origin {
  readonly domain: string;
  readonly repository: string;
  readonly run: string;
  /**
   * The deployment within the run, first part of its artifact names; '' if there is only one.
   */
  readonly call: string;
  readonly attempt: number;
}

/** One artifact passed between jobs. */
export interface SealedArtifact {
  readonly kind: Kind;
  /** The host it belongs to; '' for the whole cluster. */
  readonly host: string;
  readonly origin: Origin;
  /** Creation time, in milliseconds since the epoch. */
  readonly made: number;
  readonly content: Secret;
}

const envelope = z.strictObject({
  format: z.literal(2),
  kind: z.enum(KINDS),
  host: z.string(),
  origin: z.strictObject({
    domain: z.string(),
    repository: z.string(),
    run: z.string(),
    call: z.string(),
    attempt: z.int().min(1),
  }),
  made: z.int().min(0),
  content: z.string(),
  proof: z.string().regex(/^[0-9a-f]{64}$/),
});
type Envelope = z.output<typeof envelope>;

/** The contents of an envelope as one text, for its proof. */
const proven = ({
  kind,
  host,
  origin: { domain, repository, run, call, attempt },
  made,
  content,
}: Omit<Envelope, 'format' | 'proof'>): string =>
  JSON.stringify([kind, host, domain, repository, run, call, attempt, made, content]);

/**
 * Allowed clock difference between two runners, in milliseconds; a file further in the future is rejected.
 */
export const CLOCK_SKEW_MS = 300_000;

/**
 * What the name of a sealed file shows, so that only the newest is opened, because decryption with a passphrase is
 * slow.
 */
export type Label = Pick<SealedArtifact, 'kind' | 'host' | 'made'>;

/** The name of its sealed file: `snapshot.node-02.1795521600000.age`. */
export const fileName = ({ kind, host, made }: Label): string => `${kind}${host === '' ? '' : `.${host}`}.${made}.age`;

/** Parses the name of a sealed file; undefined for any other file. */
export function labelIn(file: string): Label | undefined {
  const match = /^([a-z-]+)(?:\.(.+))?\.(\d{1,15})\.age$/.exec(file);
  const kind = KINDS.find((each) => each === match?.[1]);
  return kind && { kind, host: match?.[2] ?? '', made: Number(match?.[3]) };
}

/** Seals the artifact. */
export function pack({ kind, host, origin, made, content }: SealedArtifact, key: Secret): Promise<Uint8Array> {
  const body = { kind, host, origin, made, content: content.reveal() };
  return seal(Buffer.from(JSON.stringify({ format: 2, ...body, proof: proofOf(proven(body), key) })), key);
}

const REMOVE = 'Find out who uploaded it, remove it from the run, then run the whole workflow again.';

/**
 * Opens a sealed file. Throws a DeploymentError: artifact-key-wrong, artifact-damaged, artifact-forged if it was sealed
 * without the key, artifact-ahead if its time is in the future, or artifact-foreign if it belongs to another run or
 * does not match its name.
 */
export async function unpack(
  file: { readonly name: string; readonly bytes: Uint8Array },
  key: Secret,
  expected: Origin,
): Promise<SealedArtifact> {
  const read = parsed(Buffer.from(await open(file.bytes, key, file.name)).toString('utf8'), file.name);
  const { origin, made } = read;
  if (!timingSafeEqual(Buffer.from(read.proof), Buffer.from(proofOf(proven(read), key)))) {
    throw deploymentError({
      code: 'artifact-forged',
      what: `${file.name} was not sealed by a job of this run`,
      evidence: 'it can be decrypted, but was sealed without the seal-key',
      remedy: REMOVE,
    });
  }
  const aheadMs = made - Date.now();
  if (aheadMs > CLOCK_SKEW_MS) {
    throw deploymentError({
      code: 'artifact-ahead',
      what: `${file.name} has a time in the future`,
      evidence:
        `created ${Math.round(aheadMs / 1000)} s in the future by the clock of this runner; clocks may differ by ` +
        `${CLOCK_SKEW_MS / 1000} s`,
      remedy: 'Synchronise the clocks of the runners (timedatectl), then run the whole workflow again.',
    });
  }
  const differences = (['domain', 'repository', 'run', 'call'] as const)
    .filter((part) => origin[part] !== expected[part])
    .map((part) => `${part} ${origin[part] || '(none)'}, not ${expected[part] || '(none)'}`);
  if (origin.attempt > expected.attempt)
    differences.push(`attempt ${origin.attempt}, not ${expected.attempt} or earlier`);
  if (fileName(read) !== file.name) differences.push(`its content is ${fileName(read)}`);
  if (differences.length > 0)
    throw deploymentError({
      code: 'artifact-foreign',
      what: `${file.name} does not belong to this run`,
      evidence: differences.join('; '),
      remedy: REMOVE,
    });
  return { kind: read.kind, host: read.host, origin, made, content: new Secret(read.kind, read.content) };
}

function parsed(text: string, name: string): Envelope {
  try {
    return envelope.parse(JSON.parse(text));
  } catch {
    throw deploymentError({
      code: 'artifact-damaged',
      what: `${name} has a format that this version does not support`,
      remedy: 'Let all jobs of a run use one version of kuscia-swarm, and run the whole workflow again.',
    });
  }
}

/** The job that creates an artifact that is not the output of a stage. */
export const makerOf = (kind: keyof typeof MADE_BY): string => MADE_BY[kind];

/** The artifact of that kind and host. */
export const artifactOf = (handovers: readonly SealedArtifact[], kind: Kind, host = ''): SealedArtifact | undefined =>
  handovers.find((each) => each.kind === kind && each.host === host);

/** The failure for a missing artifact, which `job` creates. */
export function missingArtifact(kind: Kind, job: string, host = ''): Failure {
  return {
    code: 'artifact-missing',
    ...(host !== '' && { host }),
    what: `no earlier job provided ${kind === 'snapshot' ? `the answers of ${host}` : `the ${kind}`}`,
    remedy: `Run the job ${job} of this run again, or the whole workflow. Artifacts expire after one day.`,
  };
}
