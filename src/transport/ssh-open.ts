import { lookup } from 'node:dns/promises';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { NodeSSH, type Config } from 'node-ssh';
import type { SshRoute } from '../cluster/cluster.ts';
import { DeploymentError } from '../engine/errors.ts';
import { knownKeys, type HostKeys, type KnownHosts } from './host-keys.ts';
import type { LoginKey } from './login-key.ts';
import { SshConnection } from './ssh.ts';
import {
  accountError,
  algorithmError,
  bastionError,
  cancelledError,
  hostKeyError,
  incompleteError,
  isConnectFailed,
  isProhibited,
  loginError,
  unnamedError,
  unreachableError,
  type Offers,
  type Target,
} from './ssh-errors.ts';

/** What all logins of a run share. */
export interface Login {
  readonly key: LoginKey;
  readonly bastionKey: LoginKey;
  readonly known: KnownHosts;
  /** How long a host may take from the first packet to the accepted login, in milliseconds; 20 s by default. */
  readonly connectMs?: number;
  /** Aborts a login in progress. */
  readonly signal?: AbortSignal;
}

const CONNECT_MS = 20_000;
/** Pauses before retrying a connection that was refused or reset, in milliseconds. */
const PAUSES_MS = [500, 1_500];
const LONGEST_GREETING = 10_000;
const KEEPALIVE = { keepaliveInterval: 5_000, keepaliveCountMax: 3 };

type HostKeyAlgorithm =
  NonNullable<NonNullable<Config['algorithms']>['serverHostKey']> extends infer A
    ? A extends (infer T)[]
      ? T
      : never
    : never;

/** Signature algorithms by key type. SHA-1 signatures by RSA keys are not among them. */
const ALGORITHMS: Readonly<Record<string, readonly HostKeyAlgorithm[]>> = {
  'ssh-ed25519': ['ssh-ed25519'],
  'ecdsa-sha2-nistp256': ['ecdsa-sha2-nistp256'],
  'ecdsa-sha2-nistp384': ['ecdsa-sha2-nistp384'],
  'ecdsa-sha2-nistp521': ['ecdsa-sha2-nistp521'],
  'ssh-rsa': ['rsa-sha2-512', 'rsa-sha2-256'],
};

/** Opens the connection to a host, through its bastion if it has one. Throws a DeploymentError. */
export async function openSsh(host: string, address: string, route: SshRoute, login: Login): Promise<SshConnection> {
  const target: Target = {
    host,
    address,
    port: route.port,
    user: route.user,
    ...(route.bastion && { behind: route.bastion.address }),
  };
  const properties = { user: route.user, ...(route.sudo && { sudo: route.sudo }) };
  const bastion: Target | undefined = route.bastion && { host, through: 'bastion', ...route.bastion };
  for (const each of bastion ? [bastion, target] : [target]) refuseUnnamed(each, login);
  if (!bastion) return new SshConnection(host, await connect(target, login, await resolved(target)), properties);
  const hop = new SshConnection(host, await connect(bastion, login, await resolved(bastion)), { user: bastion.user });
  try {
    return new SshConnection(host, await connect(target, login, { hop, target }), { ...properties, hop });
  } catch (thrown) {
    await hop.close();
    throw thrown;
  }
}

/** Throws if the known hosts contain no key for the target, before any connection is made. */
function refuseUnnamed(target: Target, { known }: Login): void {
  const keys = knownKeys(known, target.address, target.port);
  if (keys.types.length === 0) throw unnamedError(target, keys);
}

type Way = { readonly ip: string } | { readonly hop: SshConnection; readonly target: Target };

/** Resolves the address once, so that every attempt goes to the same host. */
async function resolved(target: Target): Promise<Way> {
  try {
    return { ip: (await lookup(target.address)).address };
  } catch (error) {
    throw unreachableError(target, error as Error);
  }
}

/** Connects; retries only if nothing was sent to the host yet. */
async function connect(target: Target, login: Login, way: Way): Promise<NodeSSH> {
  const keys = knownKeys(login.known, target.address, target.port);
  for (let attempt = 0; ; attempt += 1) {
    const tried = await tryOnce(target, login, way, keys, usableAlgorithms(keys));
    if (tried instanceof NodeSSH) return tried;
    if (login.signal?.aborted === true) throw cancelledError(target);
    if (tried.error instanceof DeploymentError) throw tried.error;
    if (tried.shown) throw hostKeyError(target, keys, tried.shown);
    if (/no matching host key format/i.test(tried.error.message)) throw await otherKeyType(target, login, way, keys);
    if (/^Handshake failed: no matching/.test(tried.error.message))
      throw await noCommonAlgorithm(target, login, way, keys);
    if (isProhibited(tried.error)) throw bastionError(target, tried.error);
    if (tried.verified) throw refusal(target, login, tried);
    const pause = PAUSES_MS[attempt];
    if (pause === undefined || !mayPass(tried.error)) throw unreachableError(target, tried.error);
    await sleep(pause, undefined, { ...(login.signal && { signal: login.signal }) }).catch(() => undefined);
  }
}

const keyOf = (target: Target, login: Login): LoginKey => (target.through ? login.bastionKey : login.key);

/**
 * Why a verified host rejects the login. It is sent a signature only after it has accepted the key.
 */
function refusal(target: Target, login: Login, { error, signed, wants, greeting }: Failed): DeploymentError {
  if (!signed) return loginError(target, error, keyOf(target, login).input);
  return wants ? incompleteError(target, wants, greeting) : accountError(target, error, greeting);
}

/** Refused and reset connections may succeed later, while a host starts or is busy; a timeout has already waited. */
function mayPass(error: Error): boolean {
  const code = 'code' in error ? String(error.code) : '';
  return (
    ['ECONNREFUSED', 'ECONNRESET', 'EPIPE'].includes(code) ||
    isConnectFailed(error) ||
    /connection lost before handshake|no response from server/i.test(error.message)
  );
}

/** The host has only keys of types not in the known hosts: finds out which, without logging in. */
async function otherKeyType(target: Target, login: Login, way: Way, keys: HostKeys): Promise<Error> {
  const tried = await tryOnce(target, login, way, keys, undefined);
  if (tried instanceof NodeSSH) throw new Error('an unknown host key was accepted');
  if (login.signal?.aborted === true) return cancelledError(target);
  return tried.shown ? hostKeyError(target, keys, tried.shown) : unreachableError(target, tried.error);
}

/** Connects once more to find out what both sides offer, which ssh2 only writes to its log. */
async function noCommonAlgorithm(target: Target, login: Login, way: Way, keys: HostKeys): Promise<Error> {
  const lines: string[] = [];
  const tried = await tryOnce(target, login, way, keys, usableAlgorithms(keys), (line) => void lines.push(line));
  if (tried instanceof NodeSSH) throw new Error('the handshake failed and then succeeded');
  const offered = lines.flatMap((line) => /^Handshake: \((local|remote)\) ([^:]+): (.*)$/.exec(line)?.slice(1) ?? []);
  // The handshake stops at the first kind without a common algorithm, which is logged last.
  const [ours = '', what = '', host = ''] = [offered.at(-4), offered.at(-2), offered.at(-1)];
  const offers: Offers | undefined = offered.length < 6 ? undefined : { what, ours, host };
  return algorithmError(target, tried.error, offers);
}

interface Failed {
  readonly error: Error;
  /** The rejected host key, if any. */
  readonly shown?: Buffer;
  /** True if the host key was correct and something later failed. */
  readonly verified: boolean;
  /** True if the host accepted the key. */
  readonly signed: boolean;
  /** Authentication methods that the host requires after that. */
  readonly wants?: readonly string[];
  /** Banner sent by the host before the login completed. */
  readonly greeting: string;
}

/** What was observed during one login. */
class Watched {
  shown: Buffer | undefined;
  verified = false;
  signed = false;
  wants: readonly string[] | undefined;
  greeting = '';

  failed(error: Error): Failed {
    const { verified, signed, shown, wants, greeting } = this;
    return {
      error,
      verified,
      signed,
      greeting: greeting.replace(/\s+/g, ' ').trim().slice(-300),
      ...(shown && { shown }),
      ...(wants && { wants }),
    };
  }
}

async function tryOnce(
  target: Target,
  login: Login,
  way: Way,
  keys: HostKeys,
  serverHostKey: HostKeyAlgorithm[] | undefined,
  debug?: (line: string) => void,
): Promise<NodeSSH | Failed> {
  const ssh = new NodeSSH();
  const watched = new Watched();
  // Drops the connection without an SSH disconnect, which an unresponsive host would never receive.
  const giveUp = (): void => void ssh.connection?.destroy();
  try {
    login.signal?.throwIfAborted();
    login.signal?.addEventListener('abort', giveUp, { once: true });
    const connecting = ssh.connect({
      ...('ip' in way ? { host: way.ip } : { sock: await forward(way.hop, way.target) }),
      port: target.port,
      username: target.user,
      authHandler: authentication(target, keyOf(target, login), watched),
      ...(serverHostKey && { algorithms: { serverHostKey } }),
      hostVerifier: verifier(keys, watched),
      readyTimeout: login.connectMs ?? CONNECT_MS,
      ...KEEPALIVE,
      ...(debug && { debug }),
    });
    ssh.connection?.on(
      'banner',
      (text: string) => (watched.greeting = (watched.greeting + text).slice(-LONGEST_GREETING)),
    );
    await connecting;
    return ssh;
  } catch (thrown) {
    ssh.connection?.on('error', () => undefined).destroy();
    return watched.failed(thrown as Error);
  } finally {
    login.signal?.removeEventListener('abort', giveUp);
  }
}

/** Must be synchronous: a promise would count as acceptance. */
const verifier =
  (keys: HostKeys, watched: Watched) =>
  (key: Buffer): boolean => {
    watched.verified = keys.check(key).is === 'ok';
    if (!watched.verified) watched.shown = key;
    return watched.verified;
  };

/** Offers only the key; records what the host requires after that. */
function authentication(target: Target, key: LoginKey, watched: Watched): NonNullable<Config['authHandler']> {
  const signing = key.signing(() => void (watched.signed = true));
  let offered = false;
  return (methodsLeft: readonly string[] | null) => {
    if (!offered) {
      offered = true;
      return { type: 'publickey', username: target.user, key: signing };
    }
    if (methodsLeft) watched.wants = methodsLeft;
    return false;
  };
}

/** The algorithms for the known key types; all of them if none is known, so that the key can be shown. */
function usableAlgorithms(keys: HostKeys): HostKeyAlgorithm[] | undefined {
  const usable = keys.types.flatMap((type) => ALGORITHMS[type] ?? []);
  return usable.length > 0 ? usable : undefined;
}

function forward(hop: SshConnection, target: Target): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    hop.client.forwardOut('127.0.0.1', 0, target.address, target.port, (error, channel) =>
      error ? reject(error) : resolve(channel),
    );
  });
}
