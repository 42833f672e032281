import type { Host } from '../cluster/cluster.ts';
import { deploymentError, type DeploymentError } from '../engine/errors.ts';
import { ending, lastLine, type Outcome } from '../engine/outcome.ts';
import { fingerprint, keyType, type HostKeys } from './host-keys.ts';

/** Whom a login is made to. */
export interface Target {
  /** Name of the host in the cluster file that this is for. */
  readonly host: string;
  readonly through?: 'bastion';
  /** Address of the bastion through which it is reached. */
  readonly behind?: string;
  readonly address: string;
  readonly port: number;
  readonly user: string;
}

const named = (target: Target): string =>
  target.through ? `the bastion ${target.address} of ${target.host}` : target.host;
const place = (target: Target): string => `${target.address} port ${target.port}`;

/** The host does not answer, or its name leads nowhere. */
export function unreachableError(target: Target, error: Error): DeploymentError {
  const place = `${target.address} port ${target.port}`;
  const seen = channelRefusal(error);
  if (seen !== undefined) {
    return deploymentError({
      code: 'host-unreachable',
      host: target.host,
      what: `the bastion ${String(target.behind)} cannot reach ${target.host} at ${place}`,
      evidence: seen,
      remedy:
        `Check that ${target.host} is up, and that its address and port in the cluster file are those under ` +
        'which the bastion reaches it; ' +
        `on the bastion: nc -vz ${target.address} ${target.port}.`,
    });
  }
  return deploymentError({
    code: 'host-unreachable',
    host: target.host,
    what: `${named(target)} does not answer at ${place}`,
    evidence: error.message,
    remedy:
      `See that ${named(target)} is up, that its address and port in the cluster file are right, ` +
      ('and that sshd there can be reached from ' +
        `${target.behind === undefined ? 'where this runs' : `the bastion ${target.behind}`}.`),
  });
}

/** What a bastion says when it opens no channel to a host; undefined where the error is of another kind. */
const channelRefusal = (error: Error): string | undefined =>
  /^\(SSH\) Channel open failure: (.*)$/s.exec(error.message)?.[1];

/** SSH_OPEN_ADMINISTRATIVELY_PROHIBITED of RFC 4254, 5.1: the bastion may reach the host or not, it does not try. */
export const isProhibited = (error: Error): boolean => 'reason' in error && error.reason === 1;

/** SSH_OPEN_CONNECT_FAILED of RFC 4254, 5.1: the bastion tried to reach the host. */
export const isConnectFailed = (error: Error): boolean => 'reason' in error && error.reason === 2;

/** The bastion does not forward to the host. */
export function bastionError(target: Target, error: Error): DeploymentError {
  const bastion = String(target.behind);
  return deploymentError({
    code: 'bastion-refuses',
    host: target.host,
    what:
      `the bastion ${bastion} does not forward connections to ${target.host} at ${target.address} port ` +
      `${target.port}`,
    evidence: `administratively prohibited: ${channelRefusal(error) ?? error.message}`,
    cause: 'sshd on the bastion, or the line of the key there, forbids forwarding',
    remedy:
      `On the bastion ${bastion}: sshd -T | grep -iE 'allowtcpforwarding|permitopen|disableforwarding' must ` +
      'allow it for this account ' +
      (`(AllowTcpForwarding yes, PermitOpen any or ${target.address}:${target.port}), and authorized_keys must ` +
        'not say restrict or no-port-forwarding.'),
  });
}

/** What the two sides of a connection offered, of what they have nothing in common. */
export interface Offers {
  /** As SSH calls it: `KEX method`. */
  readonly what: string;
  readonly host: string;
  readonly ours: string;
}

/** The option of sshd by which the host offers other algorithms. */
const OPTIONS: readonly (readonly [RegExp, string, string])[] = [
  [/key exchange|KEX/, 'key exchange', 'KexAlgorithms'],
  [/cipher/, 'cipher', 'Ciphers'],
  [/MAC/, 'MAC', 'MACs'],
  [/compression/, 'compression', 'Compression'],
];

/** Client and host have no algorithm in common. */
export function algorithmError(target: Target, error: Error, offers: Offers | undefined): DeploymentError {
  const [, kind, option] = OPTIONS.find(([words]) => words.test(error.message)) ?? [
    undefined,
    'algorithm',
    'KexAlgorithms',
  ];
  const ours = offers?.ours.split(',').filter((name) => !/^(kex-strict|ext-info)-/.test(name)) ?? [];
  return deploymentError({
    code: 'no-common-algorithm',
    host: target.host,
    what: `${named(target)} and this program have no ${kind} algorithm in common`,
    evidence: offers ? `the host offers ${offers.host}` : error.message,
    cause:
      ours.length > 0
        ? `this program offers ${ours.join(', ')}`
        : 'sshd on the host is set to algorithms that this program does not have',
    remedy:
      `On the host, let sshd offer one of them as well, for example ${option} +${ours[0] ?? 'curve25519-sha256'} ` +
      'in /etc/ssh/sshd_config; then sshd -t && systemctl reload ssh.',
  });
}

/** The host has accepted the key, and wants more than that. */
export function incompleteError(target: Target, methods: readonly string[], greeting: string): DeploymentError {
  return deploymentError({
    code: 'login-incomplete',
    host: target.host,
    what: `${named(target)} accepted the key of ${target.user} but wants more: ${methods.join(', ')}`,
    ...(greeting !== '' && { evidence: greeting }),
    cause: 'sshd asks for a second factor (AuthenticationMethods), which nobody is there to give',
    remedy:
      `Let the key alone be enough for this account: on ${named(target)}, in /etc/ssh/sshd_config, ` +
      (`Match User ${target.user} with AuthenticationMethods publickey; then sshd -t && systemctl reload ssh. Or ` +
        'name another user in the cluster file.'),
  });
}

/** The host has accepted the key, and then closed the connection: the account itself is refused. */
export function accountError(target: Target, error: Error, greeting: string): DeploymentError {
  return deploymentError({
    code: 'login-unusable',
    host: target.host,
    what: `${named(target)} accepted the key of ${target.user} but refuses the account`,
    evidence: greeting === '' ? error.message : greeting,
    cause: `the account ${target.user} is expired, locked or shut out by PAM`,
    remedy:
      `On ${named(target)}: chage -l ${target.user} (chage -E -1 ${target.user} takes an expiry back), ls -l ` +
      '/etc/nologin /run/nologin, ' +
      `/etc/security/access.conf; journalctl -u ssh -n 20 says which.`,
  });
}

/** The run ended before the host was connected. */
export function cancelledError(target: Target): DeploymentError {
  return deploymentError({
    code: 'cancelled',
    host: target.host,
    what: `cancelled while connecting to ${named(target)}`,
    remedy: 'Run again: what was done stays, and the rest is done then.',
  });
}

/** The host is the right one but does not let the user in; `input` is that of the key. */
export function loginError(target: Target, error: Error, input: string): DeploymentError {
  return deploymentError({
    code: 'login-refused',
    host: target.host,
    what: `${named(target)} refuses the login as ${target.user}`,
    evidence: error.message,
    remedy:
      `Put the public key that belongs to ${input} into ~${target.user}/.ssh/authorized_keys there, or correct ` +
      'the user in the cluster file. ' +
      (`If it is there already, the account may be locked, expired or shut out: passwd -S ${target.user}; chage ` +
        `-l ${target.user}; journalctl -u ssh -n 20.`),
  });
}

/** The login may not do by sudo what it is to do. */
export function sudoError({ name, route }: Host, outcome: Outcome): DeploymentError {
  const user = route.via === 'ssh' ? route.user : 'the account of the runner';
  return deploymentError({
    code: 'right-missing',
    host: name,
    what:
      `${user} may not run /bin/sh with the group docker by sudo without a password: ` +
      `${outcome.ended === 'lost' ? outcome.reason : ending(outcome)}`,
    evidence: outcome.stderr.trim() || lastLine(outcome),
    remedy:
      `Write into a file of /etc/sudoers.d there: ${route.via === 'ssh' ? route.user : 'USER'} ALL=(:docker) ` +
      'NOPASSWD: /bin/sh. See that the group docker is there. Or put the account into that group (usermod -aG ' +
      'docker) and leave sudo out of the cluster file.',
  });
}

const pinned = (target: Target, keys: HostKeys): string =>
  `Take the key from a place you trust: the console of ${named(target)} (/etc/ssh/ssh_host_*_key.pub), or a ` +
  `known_hosts file that has long been used with it. Add it to known-hosts under the name ${keys.name}, after ` +
  'comparing the fingerprint.';

/**
 * The known hosts name no key of the host. It was not connected: an address that nothing but a cluster file names is
 * told nothing, not even that there is somebody.
 */
export const unnamedError = (target: Target, keys: HostKeys): DeploymentError =>
  deploymentError({
    code: 'host-key-unknown',
    host: target.host,
    what: `known-hosts does not name ${named(target)}`,
    evidence: `no line there is for ${keys.name}; nothing was connected`,
    remedy: pinned(target, keys),
  });

/** The host shows a key that the known hosts do not vouch for. */
export function hostKeyError(target: Target, keys: HostKeys, shown: Buffer): DeploymentError {
  const verdict = keys.check(shown);
  const evidence = `${place(target)} shows ${keyType(shown)} ${fingerprint(shown)}`;
  const compare = `ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub on the console of ${named(target)}`;
  switch (verdict.is) {
    case 'ok':
      throw new Error('a key that is known is no trouble');
    case 'revoked':
      return deploymentError({
        code: 'host-key-revoked',
        host: target.host,
        what: `${named(target)} shows a host key that is marked @revoked`,
        evidence,
        remedy:
          'Treat whoever answers there as hostile until it is known who does. Then give the host a new key and ' +
          'put that into known-hosts.',
      });
    case 'mismatch':
      return deploymentError({
        code: 'host-key-mismatch',
        host: target.host,
        what: `${named(target)} shows another host key than known-hosts says`,
        evidence: `${evidence}; known-hosts says ${verdict.expected.join(', ')}`,
        cause: 'Somebody answers in its place, or it was set up anew.',
        remedy:
          `Compare with ${compare}. Only if the new fingerprint stands there, replace the line for ${keys.name} in ` +
          'known-hosts.',
      });
    case 'unknown':
      return deploymentError({
        code: 'host-key-unknown',
        host: target.host,
        what: `known-hosts names ${named(target)} with keys of other types only (${keys.types.join(', ')})`,
        evidence,
        remedy: pinned(target, keys),
      });
  }
}
