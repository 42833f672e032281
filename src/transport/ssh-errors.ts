import type { Host } from '../cluster/cluster.ts';
import { deploymentError, type DeploymentError } from '../engine/errors.ts';
import { ending, lastLine, type Outcome } from '../engine/outcome.ts';
import { fingerprint, keyType, type HostKeys } from './host-keys.ts';

/** The destination of a login. */
export interface Target {
  /** The host in the cluster file that is to be reached. */
  readonly host: string;
  readonly through?: 'bastion';
  /** Address of its bastion, if any. */
  readonly behind?: string;
  readonly address: string;
  readonly port: number;
  readonly user: string;
}

const named = (target: Target): string =>
  target.through ? `the bastion ${target.address} of ${target.host}` : target.host;
const place = (target: Target): string => `${target.address} port ${target.port}`;

/** The host does not respond, or its name cannot be resolved. */
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
        `Check that ${target.host} is up, and that its address and port in the cluster file are correct as seen ` +
        `from the bastion; ` +
        `on the bastion: nc -vz ${target.address} ${target.port}.`,
    });
  }
  return deploymentError({
    code: 'host-unreachable',
    host: target.host,
    what: `${named(target)} does not respond at ${place}`,
    evidence: error.message,
    remedy:
      `Check that ${named(target)} is up, that its address and port in the cluster file are correct, ` +
      ('and that its sshd can be reached from ' +
        `${target.behind === undefined ? 'the machine running kuscia-swarm' : `the bastion ${target.behind}`}.`),
  });
}

/** Why a bastion did not open a channel to a host; undefined for other errors. */
const channelRefusal = (error: Error): string | undefined =>
  /^\(SSH\) Channel open failure: (.*)$/s.exec(error.message)?.[1];

/** SSH_OPEN_ADMINISTRATIVELY_PROHIBITED of RFC 4254, 5.1: the bastion does not try to reach the host. */
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
    cause: 'sshd on the bastion, or the authorized_keys line of the key, forbids forwarding',
    remedy:
      `On the bastion ${bastion}: sshd -T | grep -iE 'allowtcpforwarding|permitopen|disableforwarding' must ` +
      `allow it for this account ` +
      `(AllowTcpForwarding yes, PermitOpen any or ${target.address}:${target.port}); the authorized_keys line ` +
      `must not contain restrict or no-port-forwarding.`,
  });
}

/** The algorithms offered by both sides of a connection that have none in common. */
export interface Offers {
  /** The kind of algorithm in SSH's words: `KEX method`. */
  readonly what: string;
  readonly host: string;
  readonly ours: string;
}

/** The sshd options that set the algorithms. */
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
        : 'sshd on the host is configured with algorithms that this program does not support',
    remedy:
      `On the host, let sshd also offer one of them, for example ${option} +${ours[0] ?? 'curve25519-sha256'} ` +
      'in /etc/ssh/sshd_config; then sshd -t && systemctl reload ssh.',
  });
}

/** The host accepted the key but requires further authentication. */
export function incompleteError(target: Target, methods: readonly string[], greeting: string): DeploymentError {
  return deploymentError({
    code: 'login-incomplete',
    host: target.host,
    what: `${named(target)} accepted the key of ${target.user} but also requires ${methods.join(', ')}`,
    ...(greeting !== '' && { evidence: greeting }),
    cause: 'sshd requires a second factor (AuthenticationMethods), which an unattended run cannot provide',
    remedy:
      `Make the key sufficient for this account: on ${named(target)}, in /etc/ssh/sshd_config, set ` +
      `Match User ${target.user} with AuthenticationMethods publickey; then sshd -t && systemctl reload ssh. Or ` +
      `use another user in the cluster file.`,
  });
}

/** The host accepted the key and then closed the connection: it rejects the account. */
export function accountError(target: Target, error: Error, greeting: string): DeploymentError {
  return deploymentError({
    code: 'login-unusable',
    host: target.host,
    what: `${named(target)} accepted the key of ${target.user} but rejects the account`,
    evidence: greeting === '' ? error.message : greeting,
    cause: `the account ${target.user} is expired, locked or denied by PAM`,
    remedy:
      `On ${named(target)}, check chage -l ${target.user} (chage -E -1 ${target.user} removes an expiry date), ` +
      `ls -l /etc/nologin /run/nologin, ` +
      `/etc/security/access.conf; journalctl -u ssh -n 20 shows the reason.`,
  });
}

/** The run ended before the host was connected. */
export function cancelledError(target: Target): DeploymentError {
  return deploymentError({
    code: 'cancelled',
    host: target.host,
    what: `cancelled while connecting to ${named(target)}`,
    remedy: 'Run again. Completed changes are kept; the next run applies the rest.',
  });
}

/** The host is verified but rejects the login; `input` is the input of the key. */
export function loginError(target: Target, error: Error, input: string): DeploymentError {
  return deploymentError({
    code: 'login-refused',
    host: target.host,
    what: `${named(target)} rejects the login as ${target.user}`,
    evidence: error.message,
    remedy:
      `Add the public key of ${input} to ~${target.user}/.ssh/authorized_keys there, or correct the user in the ` +
      `cluster file. ` +
      (`If it is already there, the account may be locked, expired or denied: check passwd -S ${target.user}; chage ` +
        `-l ${target.user}; journalctl -u ssh -n 20.`),
  });
}

/** The login lacks the sudo rights it needs. */
export function sudoError({ name, route }: Host, outcome: Outcome): DeploymentError {
  const user = route.via === 'ssh' ? route.user : 'the account of the runner';
  return deploymentError({
    code: 'right-missing',
    host: name,
    what:
      `${user} is not allowed to run /bin/sh with the group docker through sudo without a password: ` +
      `${outcome.ended === 'lost' ? outcome.reason : ending(outcome)}`,
    evidence: outcome.stderr.trim() || lastLine(outcome),
    remedy:
      `Add to a file in /etc/sudoers.d on the host: ${route.via === 'ssh' ? route.user : 'USER'} ALL=(:docker) ` +
      'NOPASSWD: /bin/sh. Check that the group docker exists. Or add the account to that group (usermod -aG ' +
      'docker) and omit sudo in the cluster file.',
  });
}

const pinned = (target: Target, keys: HostKeys): string =>
  `Get the host key from a trusted source: the console of ${named(target)} (/etc/ssh/ssh_host_*_key.pub), or an ` +
  `established known_hosts file. Compare the fingerprint, then add the key to known-hosts under the name ` +
  `${keys.name}.`;

/**
 * The known hosts contain no key for the host. No connection is made, because an address known only from a cluster file
 * is not trusted at all.
 */
export const unnamedError = (target: Target, keys: HostKeys): DeploymentError =>
  deploymentError({
    code: 'host-key-unknown',
    host: target.host,
    what: `${named(target)} is not in known-hosts`,
    evidence: `no entry for ${keys.name}; no connection was made`,
    remedy: pinned(target, keys),
  });

/** The host presents a key that does not match the known hosts. */
export function hostKeyError(target: Target, keys: HostKeys, shown: Buffer): DeploymentError {
  const verdict = keys.check(shown);
  const evidence = `${place(target)} presents ${keyType(shown)} ${fingerprint(shown)}`;
  const compare = `ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub on the console of ${named(target)}`;
  switch (verdict.is) {
    case 'ok':
      throw new Error('the host key is known');
    case 'revoked':
      return deploymentError({
        code: 'host-key-revoked',
        host: target.host,
        what: `${named(target)} presents a host key that is marked @revoked`,
        evidence,
        remedy:
          'Treat the machine at this address as hostile until it is identified. Then generate a new host key and ' +
          'add it to known-hosts.',
      });
    case 'mismatch':
      return deploymentError({
        code: 'host-key-mismatch',
        host: target.host,
        what: `the host key of ${named(target)} does not match known-hosts`,
        evidence: `${evidence}; known-hosts has ${verdict.expected.join(', ')}`,
        cause: 'the host was reinstalled, or another machine responds in its place',
        remedy:
          `Compare the fingerprint with ${compare}. Only if it matches, replace the line for ${keys.name} in ` +
          `known-hosts.`,
      });
    case 'unknown':
      return deploymentError({
        code: 'host-key-unknown',
        host: target.host,
        what: `known-hosts has only keys of other types for ${named(target)} (${keys.types.join(', ')})`,
        evidence,
        remedy: pinned(target, keys),
      });
  }
}
