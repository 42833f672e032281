import type { About, Difference, Kind, Reason, Thing, Words } from '../engine/about.ts';

const named = ({ thing, name }: About): string => (name === undefined ? thing : `${thing} ${name}`);
const at = ({ details }: About): string => `${details?.address ?? ''}:${details?.port ?? ''}`;

/** What the creation of a thing is called, if that is more than its name. */
const CREATIONS: Readonly<Partial<Record<Thing, (about: About) => string>>> = {
  replica: (about) => `start ${named(about)}`,
  database: (about) => `${named(about)} at ${at(about)}, volume ${about.details?.volume}`,
  'load balancer': (about) => `${named(about)} on port ${about.details?.port}`,
  overlay: (about) =>
    `${named(about)} ${about.details?.subnet}` +
    (about.details?.mtu === undefined ? '' : `, packets of ${about.details.mtu} bytes`) +
    (about.details?.encrypted === undefined ? '' : ', encrypted'),
  schema: (about) => `database ${named(about)}`,
  user: (about) => `${named(about)} of database ${about.details?.database}, with rights to that alone`,
  'Kuscia configuration': (about) => `${about.thing} of ${about.details?.domain}, with a new domain key`,
};

/** Names of the files that contain the credentials of the database. */
const FILES: Readonly<Partial<Record<Thing, string>>> = {
  'password file': 'file with the database password',
  'root password file': "file with the password of the database's root, from its container",
};

const WHAT: Readonly<Record<Kind, (about: About) => string>> = {
  create: (about) => CREATIONS[about.thing]?.(about) ?? named(about),
  initialise: ({ thing, details }) => `initialise the ${thing}, advertise ${details?.address}`,
  join: ({ details }) => `join as ${details?.role}`,
  promote: () => 'promote to manager',
  demote: () => 'demote to worker',
  rotate: ({ thing }) => `rotate the ${thing}`,
  remove: (about) => (about.thing === 'network' ? named(about) : `remove ${about.name}`),
  replace: (about) => `replace ${named(about)}`,
  'replace-image': (about) => `replace ${named(about)}: its tag means another image now`,
  'put-back': (about) => `put back ${named(about)}`,
  start: (about) => `start ${named(about)}`,
  restart: (about) => (about.name === undefined ? `restart of the ${about.thing}` : `restart ${named(about)}`),
  'restore-restart-policy': (about) => `restore the restart policy of ${named(about)}`,
  'log-in': (about) =>
    `login as ${about.name} at ${at(about)}` +
    (about.details?.ca === undefined ? '' : ', which proves itself by the CA'),
  write: ({ thing }) => FILES[thing] ?? thing,
  copy: ({ thing }) => `the same ${thing}`,
  'set-mode': ({ thing }) => `${thing}, mode 0600`,
  reload: ({ thing }) => `reload the ${thing}`,
  close: ({ thing, name }) => `close ${thing} of ${name} to all but its own container`,
  answer: ({ thing }) => (thing === 'host' ? 'the host answers' : `${thing} answers`),
  'be-ready': ({ thing, details }) => (details?.role === undefined ? `${thing} Ready` : `${details.role}, Ready`),
  'be-there': named,
  'be-absent': (about) => `no ${named(about)}`,
  'be-known': () => 'who can be root of the database',
  connect: () => 'reaches the database from a container',
  fit: () => 'meets the requirements',
  lead: ({ thing, name }) => (name === undefined ? 'forwards to every replica' : `the ${thing} forwards to ${name}`),
  load: () => 'nginx runs with its configuration',
  manage: ({ thing }) => `manager of the ${thing}`,
  match: () => 'as described',
  miss: ({ thing, name }) => `the ${thing} does not forward to ${name}`,
  pass: ({ name }) => name ?? '',
  serve: (about) =>
    about.name === undefined
      ? 'version, login and owner of the database; reached from every replica'
      : `${named(about)} at ${at(about)}`,
  work: (about) => (about.thing === 'cluster' ? (about.name ?? '') : `${named(about)} works`),
};

const change = ({ from, to }: Difference): string => [from, ...(to === undefined ? [] : ['->', to])].join(' ').trim();

/** Fields whose differences are not described as name and both values. */
const FIELDS: Readonly<Partial<Record<Difference['field'], (difference: Difference) => string>>> = {
  'image id': (it) => `${it.of} was pulled anew: ${change(it)}`,
  attachment: ({ to }) => `no longer attached to ${to}`,
  'domain key': () => 'it was made with another domain key',
  'published address': (it) => `published at ${change(it)}`,
  'root password file': (it) => `file with root's own password ${change(it)}`,
  file: ({ of, from }) => `${of}: ${from}`,
  content: ({ from }) => from ?? '',
  entry: (it) => `${it.of} ${change(it)}`.trim(),
  bytes: () => 'other bytes, same meaning',
  version: () => 'it was started by another version of kuscia-swarm',
  proxy: ({ from }) => `its environment has a proxy (${from})`,
  address: ({ from, of }) => `its address ${from} is also that of ${of}`,
};

const differences = ({ differs = [] }: Reason): string =>
  differs.map((each) => FIELDS[each.field]?.(each) ?? `${each.field} ${change(each)}`).join(', ');

const WHY: Readonly<Record<Reason['because'], (reason: Reason) => string>> = {
  absent: () => 'absent',
  'absent-on-server': () => 'absent on the server',
  differs: differences,
  'pulled-anew': differences,
  unwanted: () => 'no longer wanted',
  'wrong-type': ({ seen }) => seen ?? '',
  'not-in-swarm': () => 'not in any swarm',
  role: ({ of }) => `the cluster file makes it a ${of}`,
  'tokens-used': () => 'those handed over are no longer needed',
  'tokens-left': () => 'an earlier run handed them over, and did not come to this',
  'not-in-use': () => 'this deployment does not use it yet',
  forgotten: () => 'the server has forgotten it',
  'held-to-image': () => 'absent, and every replica is held to what it holds',
  'no-host-has-one': () => 'no host has one',
  'configuration-changed': () => 'its configuration changed since it started',
  'password-opens-root': ({ of }) => `it takes the password of ${of} from everywhere, with all rights`,
  'accounts-open-root': () => 'it has accounts for other hosts',
  stopped: ({ seen }) => seen ?? '',
  broken: ({ seen }) => seen ?? '',
  'left-behind': ({ seen }) => `left behind by a failed start: ${seen}`,
  'set-aside': () => 'an interrupted run has set it aside',
  'present-set-aside': (reason) => `${differences(reason)}; an interrupted run has set the present one aside`,
  'replacement-works': () => 'its replacement works',
  'replacement-fails': ({ seen, of }) => `its replacement does not work (${seen}); ${of} waits`,
  'restart-policy': ({ seen }) => `${seen} -> always`,
  'not-loaded': () => 'nginx runs with an earlier one',
  'after-network': () => 'after the network; it tries the data path to every other host',
  'after-wrong-network': () => 'after the wrong one',
  'after-start': () => 'after it was started',
  'after-login': () => 'after that',
  'after-making': () => 'after it was made',
  'after-changes': () => 'after the changes before it',
  'after-replicas-log-in': ({ of }) => `after every replica logs in as ${of}`,
  'if-outdated': () => 'where another version started it, or with a proxy',
  'if-lacking': () => 'where the server has none',
  'if-made-earlier': () => 'where an earlier version made the database',
  'if-running': () => 'where it runs with the former configuration',
  'once-server-answers': () => 'once the server answers',
  'once-server-accepts': () => 'once the server takes it',
  seen: ({ seen }) => seen ?? '',
};

/** The words of a plan: what each of its lines is about, and the reason for it. */
export const PLAN_WORDS: Words = {
  what: (about) => WHAT[about.kind](about),
  why: (reason) => WHY[reason.because](reason),
};
