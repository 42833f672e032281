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

/** Pauses before each further try of a connection that was refused or reset, in milliseconds. */
const PAUSES_MS = [500, 1_500];

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
