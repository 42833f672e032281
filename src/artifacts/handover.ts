import { z } from 'zod';
import { trouble, type Failure } from '../engine/errors.ts';
import { Secret } from '../engine/secret.ts';
import { open, seal } from './seal.ts';

/** What jobs hand over to each other, and the job that makes it. */
const MADE_BY = {
  'join-tokens': 'swarm-init',
  'kuscia-configuration': 'kuscia-init',
  provenance: 'kuscia-init',
  plan: 'plan',
  view: 'look',
  logs: '',
} as const;

export type Kind = keyof typeof MADE_BY;
const KINDS = Object.keys(MADE_BY) as [Kind, ...Kind[]];

/** The run that something belongs to; sealed with it, so that nothing of another run is taken for it. */
export interface Origin {
  readonly domain: string;
  readonly repository: string;
  readonly run: string;
  readonly attempt: number;
}

/** One thing that is handed over. */
export interface Handover {
  readonly kind: Kind;
  /** The host it is of; '' for the whole cluster. */
  readonly host: string;
  readonly origin: Origin;
  /** When it was made, in milliseconds since the epoch. */
  readonly made: number;
  readonly content: Secret;
}

const envelope = z.strictObject({
  format: z.literal(1),
  kind: z.enum(KINDS),
  host: z.string(),
  origin: z.strictObject({ domain: z.string(), repository: z.string(), run: z.string(), attempt: z.int().min(1) }),
  made: z.int().min(0),
  content: z.string(),
});

/** What the name of a sealed file tells, so that of many only the newest is opened: a passphrase takes its time. */
export type Label = Pick<Handover, 'kind' | 'host' | 'made'>;

/** The name of its sealed file: `view.node-02.1795521600000.age`. */
export const fileName = ({ kind, host, made }: Label): string => `${kind}${host === '' ? '' : `.${host}`}.${made}.age`;

/** What the name of a sealed file tells; undefined for any other file. */
export function labelIn(file: string): Label | undefined {
  const match = /^([a-z-]+)(?:\.(.+))?\.(\d{1,15})\.age$/.exec(file);
  const kind = KINDS.find((each) => each === match?.[1]);
  return kind && { kind, host: match?.[2] ?? '', made: Number(match?.[3]) };
}

/** Its sealed file. */
export function pack({ kind, host, origin, made, content }: Handover, key: Secret): Promise<Uint8Array> {
  return seal(Buffer.from(JSON.stringify({ format: 1, kind, host, origin, made, content: content.reveal() })), key);
}

/** Opens a sealed file. Throws a Trouble: artifact-key-wrong, artifact-damaged, or artifact-foreign when it is of another run or not what its name says. */
export async function unpack(file: { readonly name: string; readonly bytes: Uint8Array }, key: Secret, expected: Origin): Promise<Handover> {
  const read = parsed(Buffer.from(await open(file.bytes, key, file.name)).toString('utf8'), file.name);
  const { origin } = read;
  const differences = (['domain', 'repository', 'run'] as const).filter((part) => origin[part] !== expected[part]).map((part) => `${part} ${origin[part] || '(none)'}, not ${expected[part] || '(none)'}`);
  if (origin.attempt > expected.attempt) differences.push(`attempt ${origin.attempt}, not ${expected.attempt} or earlier`);
  if (fileName(read) !== file.name) differences.push(`it is ${fileName(read)} inside`);
  if (differences.length > 0) {
    throw trouble({ code: 'artifact-foreign', what: `${file.name} does not belong to this run`, evidence: differences.join('; '), remedy: 'Find out who uploaded it, remove it from the run, and run the whole workflow again.' });
  }
  return { kind: read.kind, host: read.host, origin, made: read.made, content: new Secret(read.kind, read.content) };
}

function parsed(text: string, name: string): z.output<typeof envelope> {
  try {
    return envelope.parse(JSON.parse(text));
  } catch {
    throw trouble({ code: 'artifact-damaged', what: `${name} holds something that this version does not hand over`, remedy: 'Let all jobs of a run use one version of kuscia-swarm, and run the whole workflow again.' });
  }
}

/** The one of that kind and host. */
export const handed = (handovers: readonly Handover[], kind: Kind, host = ''): Handover | undefined => handovers.find((each) => each.kind === kind && each.host === host);

/** The failure where one is needed and not there. */
export function missingHandover(kind: Kind, host = ''): Failure {
  const job = MADE_BY[kind];
  return {
    code: 'artifact-missing',
    ...(host !== '' && { host }),
    what: `no earlier job handed over ${kind === 'view' ? `what ${host} answers` : `the ${kind}`}`,
    remedy: `Run the job ${job} of this run again, or the whole workflow: artifacts live for one day.`,
  };
}
