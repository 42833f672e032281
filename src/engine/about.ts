import { isDeepStrictEqual } from 'node:util';

/** What is done to a thing, or what must become true of it. */
export const KINDS = [
  'create',
  'initialise',
  'join',
  'promote',
  'demote',
  'rotate',
  'remove',
  'replace',
  'replace-image',
  'put-back',
  'start',
  'restart',
  'restore-restart-policy',
  'log-in',
  'write',
  'copy',
  'set-mode',
  'reload',
  'close',
  // Conditions that no step brings about.
  'answer',
  'be-ready',
  'be-there',
  'be-absent',
  'be-known',
  'connect',
  'fit',
  'lead',
  'load',
  'manage',
  'match',
  'miss',
  'pass',
  'serve',
  'work',
] as const;
export type Kind = (typeof KINDS)[number];

/** The things that make up a deployment. */
export const THINGS = [
  'host',
  'node',
  'swarm',
  'join tokens',
  'network',
  'overlay',
  'probe',
  'data path',
  'database',
  'schema',
  'user',
  'root',
  'password file',
  'root password file',
  'image',
  'Kuscia configuration',
  'replica',
  'load balancer',
  'nginx configuration',
  'cluster',
  'failure',
] as const;
export type Thing = (typeof THINGS)[number];

/** Properties with which a thing is created. */
export const DETAILS = [
  'address',
  'port',
  'volume',
  'subnet',
  'mtu',
  'encrypted',
  'role',
  'database',
  'ca',
  'domain',
] as const;
export type Details = Readonly<Partial<Record<(typeof DETAILS)[number], string>>>;

/** The subject of a line of a plan. Kind, thing and name identify it in other plans and in other jobs. */
export interface About {
  readonly kind: Kind;
  readonly thing: Thing;
  /** Tells it from other things of this type on the host, if they have names. */
  readonly name?: string;
  readonly details?: Details;
}

/** Fields of a thing that can differ from its description. */
export const FIELDS = [
  'image',
  'image id',
  'memory',
  'port',
  'network',
  'attachment',
  'configuration file',
  'name',
  'domain key',
  'volume',
  'published address',
  'root password file',
  'files',
  'file',
  'content',
  'mode',
  'entry',
  'bytes',
  'version',
  'proxy',
  'address',
  'driver',
  'attachable',
  'subnet',
  'mtu',
  'encrypted',
] as const;

/** How one field differs from its description. */
export interface Difference {
  readonly field: (typeof FIELDS)[number];
  /** The part of the thing that the field belongs to, if there are several such parts. */
  readonly of?: string;
  readonly from?: string;
  readonly to?: string;
}

/** Reasons that describe a transient state: the next reading may find another one, and the change is still the same. */
const TRANSIENT = [
  'stopped',
  'left-behind',
  'set-aside',
  'present-set-aside',
  'replacement-works',
  'replacement-fails',
  'restart-policy',
  'forgotten',
  'broken',
  'not-loaded',
] as const;

/** Why a step is needed, or why a change can only be known later. */
export const CAUSES = [
  ...TRANSIENT,
  'absent',
  'absent-on-server',
  'differs',
  'pulled-anew',
  'unwanted',
  'wrong-type',
  'not-in-swarm',
  'role',
  'tokens-used',
  'tokens-left',
  'not-in-use',
  'held-to-image',
  'no-host-has-one',
  'configuration-changed',
  'password-opens-root',
  'accounts-open-root',
  // For changes that can only be known later.
  'after-network',
  'after-wrong-network',
  'after-start',
  'after-login',
  'after-making',
  'after-changes',
  'after-replicas-log-in',
  'if-outdated',
  'if-lacking',
  'if-made-earlier',
  'if-running',
  'once-server-answers',
  'once-server-accepts',
  // Only an observation.
  'seen',
] as const;

/** Why a line is in a plan. */
export interface Reason {
  readonly because: (typeof CAUSES)[number];
  /** The differences from the description, if they are the reason. */
  readonly differs?: readonly Difference[];
  /** Another thing that the reason refers to. */
  readonly of?: string;
  /** What was observed, usually quoted from the output of a command. Never compared. */
  readonly seen?: string;
}

/** A reason that only states what was observed. */
export const seen = (what: string): Reason => ({ because: 'seen', seen: what });

/** The reason for changing something that is not as described. */
export const differing = (...differs: readonly Difference[]): Reason => ({ because: 'differs', differs });

/** Whether the reason describes a transient state. */
export const isTransient = ({ because }: Reason): boolean => TRANSIENT.some((each) => each === because);

/** Whether two lines have the same subject. */
export const sameAbout = (a: About, b: About): boolean => a.kind === b.kind && a.thing === b.thing && a.name === b.name;

/** Whether two reasons are the same; what was observed is ignored. */
export const sameReason = (a: Reason | undefined, b: Reason | undefined): boolean =>
  a?.because === b?.because && a?.of === b?.of && isDeepStrictEqual(a?.differs, b?.differs);

/** Whether two things are created with the same properties. */
export const sameDetails = (a: About, b: About): boolean => isDeepStrictEqual(a.details, b.details);

/** Puts the data of a plan into words. */
export interface Words {
  what(about: About): string;
  why(reason: Reason): string;
}
