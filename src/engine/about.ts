import { isDeepStrictEqual } from 'node:util';

/** What is done to a thing, or has to become true of it. */
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
  // What no step brings about.
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

/** What there is in a deployment. */
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

/** What a thing is made with. */
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

/** What a line of a plan is about: by kind, thing and name it is known again, in another plan and in another job. */
export interface About {
  readonly kind: Kind;
  readonly thing: Thing;
  /** Which of these things of its host, where it has a name. */
  readonly name?: string;
  readonly details?: Details;
}

/** What of a thing can differ from its description. */
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
  /** What the field belongs to, where the thing has several of the kind. */
  readonly of?: string;
  readonly from?: string;
  readonly to?: string;
}

/**
 * Reasons that tell how something is at the moment: the next look may find it otherwise, and the change is the same.
 */
const MOMENTARY = [
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

/** Why a step is needed, and why more is known only later. */
export const CAUSES = [
  ...MOMENTARY,
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
  // Of what is known only later.
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
  // Nothing but what was seen.
  'seen',
] as const;

/** Why a line stands in a plan. */
export interface Reason {
  readonly because: (typeof CAUSES)[number];
  /** How it differs from its description, where that is the reason. */
  readonly differs?: readonly Difference[];
  /** Another thing that the reason is about. */
  readonly of?: string;
  /** What was seen, mostly in the words of the outside. Never compared. */
  readonly seen?: string;
}

/** The reason of what is as it was seen. */
export const seen = (what: string): Reason => ({ because: 'seen', seen: what });

/** The reason of what is not as described. */
export const differing = (...differs: readonly Difference[]): Reason => ({ because: 'differs', differs });

/** Whether the reason tells how something is at the moment. */
export const isMomentary = ({ because }: Reason): boolean => MOMENTARY.some((each) => each === because);

/** Whether two lines are about the same. */
export const sameAbout = (a: About, b: About): boolean => a.kind === b.kind && a.thing === b.thing && a.name === b.name;

/** Whether two reasons are the same, whatever was seen. */
export const sameReason = (a: Reason | undefined, b: Reason | undefined): boolean =>
  a?.because === b?.because && a?.of === b?.of && isDeepStrictEqual(a?.differs, b?.differs);

/** Whether two are made with the same. */
export const sameDetails = (a: About, b: About): boolean => isDeepStrictEqual(a.details, b.details);

/** Makes words of what a plan says. */
export interface Words {
  what(about: About): string;
  why(reason: Reason): string;
}

/** The data themselves, where nobody makes better words of them. */
export const PLAIN: Words = {
  what: ({ kind, thing, name }) => [kind, thing, ...(name === undefined ? [] : [name])].join(' '),
  why: ({ because, of, differs = [], seen: what }) =>
    [because, of, ...differs.map(({ field, from, to }) => `${field} ${from ?? ''} -> ${to ?? ''}`), what]
      .filter((each) => each !== undefined)
      .join(' '),
};
