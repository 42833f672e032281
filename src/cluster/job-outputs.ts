import { z } from 'zod';
import { Secret } from '../engine/secret.ts';

/** What a host needs to join the swarm, by role. */
export interface JoinTokens {
  readonly manager: Secret;
  readonly worker: Secret;
}

/** What the replicas of a domain are started from: so that every host uses the very same. */
export interface Provenance {
  /** The image: its id (`sha256:...`), and the digests under which registries know it. */
  readonly image: { readonly id: string; readonly digests: readonly string[] };
  /** SHA-256 of kuscia.sh in that image. */
  readonly script: string;
}

/** What an earlier job of the workflow handed over. */
export interface ReceivedOutputs {
  /** There while the swarm still lacks a host of the cluster file. */
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

/** The tokens as they are handed over. */
export const writeJoinTokens = ({ manager, worker }: JoinTokens): Secret =>
  new Secret('join tokens', JSON.stringify({ manager: manager.reveal(), worker: worker.reveal() }));

/** The tokens that were handed over. Throws when they are none. */
export function readJoinTokens(text: Secret): JoinTokens {
  const { manager, worker } = tokensSchema.parse(JSON.parse(text.reveal()));
  return { manager: new Secret('manager join token', manager), worker: new Secret('worker join token', worker) };
}

/** The provenance as it is handed over. */
export const writeProvenance = (provenance: Provenance): Secret => new Secret('provenance', JSON.stringify(provenance));

/** The provenance that was handed over. Throws when it is none. */
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
