import { z } from 'zod';
import { Secret } from '../engine/secret.ts';

/** The tokens with which a host joins the swarm, by role. */
export interface JoinTokens {
  readonly manager: Secret;
  readonly worker: Secret;
}

/** What the replicas of a domain are started from; must be identical on every host. */
export interface Provenance {
  /** The image: its id (`sha256:...`), and its digests in registries. */
  readonly image: { readonly id: string; readonly digests: readonly string[] };
  /** SHA-256 of kuscia.sh in that image. */
  readonly script: string;
}

/** The outputs of earlier jobs of the workflow. */
export interface ReceivedOutputs {
  /** Present while a host of the cluster file has not yet joined the swarm. */
  readonly joinTokens?: JoinTokens;
  /** The domain's Kuscia configuration. */
  readonly configuration?: Secret;
  readonly provenance?: Provenance;
}

const tokensSchema = z.strictObject({ manager: z.string().min(1), worker: z.string().min(1) });
const provenanceSchema = z.strictObject({
  image: z.strictObject({ id: z.string().min(1), digests: z.array(z.string()) }),
  script: z.string().regex(/^[0-9a-f]{64}$/),
});

/** Serialises the tokens. */
export const writeJoinTokens = ({ manager, worker }: JoinTokens): Secret =>
  new Secret('join tokens', JSON.stringify({ manager: manager.reveal(), worker: worker.reveal() }));

/** Parses serialised tokens. Throws if they are invalid. */
function readJoinTokens(text: Secret): JoinTokens {
  const { manager, worker } = tokensSchema.parse(JSON.parse(text.reveal()));
  return { manager: new Secret('manager join token', manager), worker: new Secret('worker join token', worker) };
}

/** Serialises the provenance. */
export const writeProvenance = (provenance: Provenance): Secret => new Secret('provenance', JSON.stringify(provenance));

/** Parses a serialised provenance. Throws if it is invalid. */
export const readProvenance = (text: Secret): Provenance => provenanceSchema.parse(JSON.parse(text.reveal()));

/** What stages leave to later jobs: how it is received there, and whether it is always there for who takes it. */
export const OUTPUTS = {
  // Tokens travel only while a host is still outside the swarm.
  'join-tokens': { always: false, receive: (content: Secret) => ({ joinTokens: readJoinTokens(content) }) },
  'kuscia-configuration': { always: true, receive: (content: Secret) => ({ configuration: content }) },
  provenance: { always: true, receive: (content: Secret) => ({ provenance: readProvenance(content) }) },
} satisfies Record<string, { readonly always: boolean; readonly receive: (content: Secret) => ReceivedOutputs }>;
export type OutputKind = keyof typeof OUTPUTS;

/** Whether that is something that stages leave. */
export const isOutput = (kind: string): kind is OutputKind => Object.hasOwn(OUTPUTS, kind);

/** Something that a stage leaves to the jobs after it. */
export interface JobOutput {
  readonly kind: OutputKind;
  readonly content: Secret;
}
