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

/** What every login of a run shares. */
export interface Login {
  readonly key: LoginKey;
  readonly bastionKey: LoginKey;
  readonly known: KnownHosts;
  /** How long a host may take from the first packet to the accepted login, in milliseconds; 20 s unless told. */
  readonly connectMs?: number;
  /** Ends a login that is under way. */
  readonly signal?: AbortSignal;
}

const CONNECT_MS = 20_000;
/** Pauses before each further try of a connection that was refused or reset, in milliseconds. */
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

/** Opens the connection to a host, through its bastion where it has one. Throws a DeploymentError. */
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

/** Nobody is connected of whom the known hosts name no key. */
function refuseUnnamed(target: Target, { known }: Login): void {
  const keys = knownKeys(known, target.address, target.port);
  if (keys.types.length === 0) throw unnamedError(target, keys);
}

type Way = { readonly ip: string } | { readonly hop: SshConnection; readonly target: Target };

/** The address as an IP address, looked up once so that every try goes to the same host. */
async function resolved(target: Target): Promise<Way> {
  try {
    return { ip: (await lookup(target.address)).address };
  } catch (error) {
    throw unreachableError(target, error as Error);
  }
}

/** Connects, and tries again only where nothing was said to the host yet. */
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
 * Why a host that is the right one does not let the user in. It is given a signature only when it has said that it
 * takes the key.
 */
function refusal(target: Target, login: Login, { error, signed, wants, greeting }: Failed): DeploymentError {
  if (!signed) return loginError(target, error, keyOf(target, login).input);
  return wants ? incompleteError(target, wants, greeting) : accountError(target, error, greeting);
}

/** Refused and reset connections pass when a host starts or is busy; a time-out has already been waited for. */
function mayPass(error: Error): boolean {
  const code = 'code' in error ? String(error.code) : '';
  return (
    ['ECONNREFUSED', 'ECONNRESET', 'EPIPE'].includes(code) ||
    isConnectFailed(error) ||
    /connection lost before handshake|no response from server/i.test(error.message)
  );
}

/** The host has only keys of types that are not pinned: look which one, without going further. */
async function otherKeyType(target: Target, login: Login, way: Way, keys: HostKeys): Promise<Error> {
  const tried = await tryOnce(target, login, way, keys, undefined);
  if (tried instanceof NodeSSH) throw new Error('a host key that is not pinned was accepted');
  if (login.signal?.aborted === true) return cancelledError(target);
  return tried.shown ? hostKeyError(target, keys, tried.shown) : unreachableError(target, tried.error);
}

/** Looks once more, for what either side offers: ssh2 tells it to its log only. */
async function noCommonAlgorithm(target: Target, login: Login, way: Way, keys: HostKeys): Promise<Error> {
  const lines: string[] = [];
  const tried = await tryOnce(target, login, way, keys, usableAlgorithms(keys), (line) => void lines.push(line));
  if (tried instanceof NodeSSH) throw new Error('the handshake failed and then did not');
  const offered = lines.flatMap((line) => /^Handshake: \((local|remote)\) ([^:]+): (.*)$/.exec(line)?.slice(1) ?? []);
  // It stops at the first kind in which there is nothing in common: that one was told last.
  const [ours = '', what = '', host = ''] = [offered.at(-4), offered.at(-2), offered.at(-1)];
  const offers: Offers | undefined = offered.length < 6 ? undefined : { what, ours, host };
  return algorithmError(target, tried.error, offers);
}

interface Failed {
  readonly error: Error;
  /** The host key that was turned down, if it came to that. */
  readonly shown?: Buffer;
  /** True when the host key was the right one: what failed came after it. */
  readonly verified: boolean;
  /** True when the host has said that it takes the key. */
  readonly signed: boolean;
  /** What the host still wants after that. */
  readonly wants?: readonly string[];
  /** What the host said before the login was through. */
  readonly greeting: string;
}

/** What was seen of one login while it was made. */
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
  // Ends the attempt without the courtesies of SSH, which a host that does not answer would never see.
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

/** Must answer at once: a promise would count as yes. */
const verifier =
  (keys: HostKeys, watched: Watched) =>
  (key: Buffer): boolean => {
    watched.verified = keys.check(key).is === 'ok';
    if (!watched.verified) watched.shown = key;
    return watched.verified;
  };

/** Offers the key at once, and nothing after it; what the host then still wants is kept. */
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

/** The algorithms for the pinned key types; all of them when none is pinned, so that the key can be shown. */
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
