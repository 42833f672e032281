import type { Duplex } from 'node:stream';
import { NodeSSH, type Config } from 'node-ssh';
import type { HostKeys, KnownHosts } from './host-keys.ts';
import type { LoginKey } from './login-key.ts';
import type { SshConnection } from './ssh.ts';
import type { Target } from './ssh-errors.ts';

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

/** How a host is reached: at an address, or through a host before it. */
export type Way = { readonly ip: string } | { readonly hop: SshConnection; readonly target: Target };

/** The key by which the login is made there. */
export const keyOf = (target: Target, login: Login): LoginKey => (target.through ? login.bastionKey : login.key);

/** A login that did not come about, and how far it came. */
export interface Failed {
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

/** One login: the connection, or how it failed. With no algorithms given it takes any, to see the host's key. */
export async function tryOnce(
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
export function usableAlgorithms(keys: HostKeys): HostKeyAlgorithm[] | undefined {
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
