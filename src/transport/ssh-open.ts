import { lookup } from 'node:dns/promises';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { NodeSSH, type Config } from 'node-ssh';
import type { SshRoute } from '../cluster/cluster.ts';
import type { Secret } from '../engine/secret.ts';
import { knownKeys, type HostKeys, type KnownHosts } from './host-keys.ts';
import { SshConnection } from './ssh.ts';
import { cancelledTrouble, hostKeyTrouble, keyTrouble, loginTrouble, unreachableTrouble, type Target } from './ssh-trouble.ts';

/** What every login of a run shares. */
export interface Login {
  readonly key: Secret;
  readonly passphrase?: Secret;
  readonly known: KnownHosts;
  /** How long a host may take from the first packet to the accepted login, in milliseconds; 20 s unless told. */
  readonly connectMs?: number;
  /** Ends a login that is under way. */
  readonly signal?: AbortSignal;
}

const CONNECT_MS = 20_000;
/** Pauses before each further try of a connection that was refused or reset, in milliseconds. */
const PAUSES_MS = [500, 1_500];
const KEEPALIVE = { keepaliveInterval: 5_000, keepaliveCountMax: 3 };

type HostKeyAlgorithm = NonNullable<NonNullable<Config['algorithms']>['serverHostKey']> extends infer A ? (A extends (infer T)[] ? T : never) : never;

/** Signature algorithms by key type. SHA-1 signatures by RSA keys are not among them. */
const ALGORITHMS: Readonly<Record<string, readonly HostKeyAlgorithm[]>> = {
  'ssh-ed25519': ['ssh-ed25519'],
  'ecdsa-sha2-nistp256': ['ecdsa-sha2-nistp256'],
  'ecdsa-sha2-nistp384': ['ecdsa-sha2-nistp384'],
  'ecdsa-sha2-nistp521': ['ecdsa-sha2-nistp521'],
  'ssh-rsa': ['rsa-sha2-512', 'rsa-sha2-256'],
};

/** Opens the connection to a host, through its bastion where it has one. Throws a Trouble. */
export async function openSsh(host: string, address: string, route: SshRoute, login: Login): Promise<SshConnection> {
  const target: Target = { host, address, port: route.port, user: route.user };
  const sudo = route.sudo && { sudo: route.sudo };
  if (!route.bastion) return new SshConnection(host, await connect(target, login, await resolved(target)), { ...sudo });
  const bastion: Target = { host, through: 'bastion', ...route.bastion };
  const hop = new SshConnection(host, await connect(bastion, login, await resolved(bastion)));
  try {
    return new SshConnection(host, await connect(target, login, { hop, target }), { hop, ...sudo });
  } catch (thrown) {
    await hop.close();
    throw thrown;
  }
}

type Way = { readonly ip: string } | { readonly hop: SshConnection; readonly target: Target };

/** The address as an IP address, looked up once so that every try goes to the same host. */
async function resolved(target: Target): Promise<Way> {
  try {
    return { ip: (await lookup(target.address)).address };
  } catch (error) {
    throw unreachableTrouble(target, error as Error);
  }
}

/** Connects, and tries again only where nothing was said to the host yet. */
async function connect(target: Target, login: Login, way: Way): Promise<NodeSSH> {
  const keys = knownKeys(login.known, target.address, target.port);
  for (let attempt = 0; ; attempt += 1) {
    const tried = await tryOnce(target, login, way, keys, usableAlgorithms(keys));
    if (tried instanceof NodeSSH) return tried;
    if (login.signal?.aborted === true) throw cancelledTrouble(target);
    if (tried.shown) throw hostKeyTrouble(target, keys, tried.shown);
    const parse = keyTrouble(tried.error);
    if (parse) throw parse;
    if (/no matching host key format/i.test(tried.error.message)) throw await otherKeyType(target, login, way, keys);
    if (tried.verified) throw loginTrouble(target, tried.error);
    const pause = PAUSES_MS[attempt];
    if (pause === undefined || !mayPass(tried.error)) throw unreachableTrouble(target, tried.error);
    await sleep(pause, undefined, { ...(login.signal && { signal: login.signal }) }).catch(() => undefined);
  }
}

/** Refused and reset connections pass when a host starts or is busy; a time-out has already been waited for. */
function mayPass(error: Error): boolean {
  const code = 'code' in error ? String(error.code) : '';
  return ['ECONNREFUSED', 'ECONNRESET', 'EPIPE'].includes(code) || /connection lost before handshake|no response from server/i.test(error.message);
}

/** The host has only keys of types that are not pinned: look which one, without going further. */
async function otherKeyType(target: Target, login: Login, way: Way, keys: HostKeys): Promise<Error> {
  const tried = await tryOnce(target, login, way, keys, undefined);
  if (tried instanceof NodeSSH) throw new Error('a host key that is not pinned was accepted');
  if (login.signal?.aborted === true) return cancelledTrouble(target);
  return tried.shown ? hostKeyTrouble(target, keys, tried.shown) : unreachableTrouble(target, tried.error);
}

interface Failed {
  readonly error: Error;
  /** The host key that was turned down, if it came to that. */
  readonly shown?: Buffer;
  /** True when the host key was the right one: what failed came after it. */
  readonly verified: boolean;
}

async function tryOnce(target: Target, login: Login, way: Way, keys: HostKeys, serverHostKey: HostKeyAlgorithm[] | undefined): Promise<NodeSSH | Failed> {
  const ssh = new NodeSSH();
  let shown: Buffer | undefined;
  let verified = false;
  // Must answer at once: a promise would count as yes.
  const hostVerifier = (key: Buffer): boolean => {
    verified = keys.check(key).is === 'ok';
    if (!verified) shown = key;
    return verified;
  };
  // Ends the attempt without the courtesies of SSH, which a host that does not answer would never see.
  const giveUp = (): void => void ssh.connection?.destroy();
  try {
    login.signal?.throwIfAborted();
    login.signal?.addEventListener('abort', giveUp, { once: true });
    await ssh.connect({
      ...('ip' in way ? { host: way.ip } : { sock: await forward(way.hop, way.target) }),
      port: target.port,
      username: target.user,
      privateKey: `${login.key.reveal().replaceAll('\r\n', '\n').trim()}\n`,
      ...(login.passphrase && { passphrase: login.passphrase.reveal() }),
      ...(serverHostKey && { algorithms: { serverHostKey } }),
      hostVerifier,
      readyTimeout: login.connectMs ?? CONNECT_MS,
      ...KEEPALIVE,
    });
    return ssh;
  } catch (thrown) {
    ssh.connection?.on('error', () => undefined).destroy();
    return { error: thrown as Error, verified, ...(shown && { shown }) };
  } finally {
    login.signal?.removeEventListener('abort', giveUp);
  }
}

/** The algorithms for the pinned key types; all of them when none is pinned, so that the key can be shown. */
function usableAlgorithms(keys: HostKeys): HostKeyAlgorithm[] | undefined {
  const usable = keys.types.flatMap((type) => ALGORITHMS[type] ?? []);
  return usable.length > 0 ? usable : undefined;
}

function forward(hop: SshConnection, target: Target): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    hop.client.forwardOut('127.0.0.1', 0, target.address, target.port, (error, channel) => (error ? reject(error) : resolve(channel)));
  });
}
