import { lookup } from 'node:dns/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { NodeSSH } from 'node-ssh';
import type { SshRoute } from '../cluster/cluster.ts';
import { DeploymentError } from '../engine/errors.ts';
import { knownKeys, type HostKeys } from './host-keys.ts';
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
import { keyOf, tryOnce, usableAlgorithms, type Failed, type Login, type Way } from './ssh-login.ts';

/** Pauses before retrying a connection that was refused or reset, in milliseconds. */
const PAUSES_MS = [500, 1_500];

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
