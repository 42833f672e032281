import type { Host } from '../cluster/cluster.ts';
import { trouble, type Trouble } from '../engine/errors.ts';
import { ending, lastLine, type Outcome } from '../engine/outcome.ts';
import { fingerprint, keyType, type HostKeys } from './host-keys.ts';

/** Whom a login is made to. */
export interface Target {
  /** Name of the host in the cluster file that this is for. */
  readonly host: string;
  readonly through?: 'bastion';
  readonly address: string;
  readonly port: number;
  readonly user: string;
}

const named = (target: Target): string => (target.through ? `the bastion ${target.address} of ${target.host}` : target.host);
const place = (target: Target): string => `${target.address} port ${target.port}`;

/** The host does not answer, or its name leads nowhere. */
export function unreachableTrouble(target: Target, error: Error): Trouble {
  return trouble({
    code: 'host-unreachable',
    host: target.host,
    what: `${named(target)} does not answer at ${place(target)}`,
    evidence: error.message,
    remedy: `See that ${named(target)} is up, that its address and port in the cluster file are right, and that sshd there can be reached from where this runs.`,
  });
}

/** The run ended before the host was connected. */
export function cancelledTrouble(target: Target): Trouble {
  return trouble({ code: 'cancelled', host: target.host, what: `cancelled while connecting to ${named(target)}`, remedy: 'Run again: what was done stays, and the rest is done then.' });
}

/** The host is the right one but does not let the user in. */
export function loginTrouble(target: Target, error: Error): Trouble {
  return trouble({
    code: 'login-refused',
    host: target.host,
    what: `${named(target)} refuses the login as ${target.user}`,
    evidence: error.message,
    remedy: `Put the public key that belongs to ssh-key into ~${target.user}/.ssh/authorized_keys there, or correct the user in the cluster file.`,
  });
}

/** The login may not do by sudo what it is to do. */
export function sudoTrouble({ name, route }: Host, outcome: Outcome): Trouble {
  const user = route.via === 'ssh' ? route.user : 'the account of the runner';
  return trouble({
    code: 'right-missing',
    host: name,
    what: `${user} may not run /bin/sh with the group docker by sudo without a password: ${ending(outcome)}`,
    evidence: outcome.stderr.trim() || lastLine(outcome),
    remedy: `Write into a file of /etc/sudoers.d there: ${route.via === 'ssh' ? route.user : 'USER'} ALL=(:docker) NOPASSWD: /bin/sh. See that the group docker is there. Or put the account into that group (usermod -aG docker) and leave sudo out of the cluster file.`,
  });
}

/** The private key cannot be used; undefined when the error is about something else. Never tells the key. */
export function keyTrouble(error: Error): Trouble | undefined {
  const match = /^Cannot parse privateKey: (.*)$|privateKey value does not contain a \(valid\) private key/s.exec(error.message);
  if (!match) return undefined;
  const evidence = match[1] ?? 'it holds no private key';
  const encrypted = /encrypted|passphrase|decrypt/i.test(evidence);
  return trouble({
    code: 'input-invalid',
    what: encrypted ? 'ssh-key cannot be unlocked' : 'ssh-key is no private key that can be read',
    evidence,
    remedy: encrypted
      ? 'Give the passphrase of the key as ssh-key-passphrase, or see that it is the right one.'
      : 'Give the whole private key, from its BEGIN to its END line, in OpenSSH or PEM form; ssh-keygen -p -f FILE rewrites it in the OpenSSH form.',
  });
}

/** The host shows a key that the known hosts do not vouch for. */
export function hostKeyTrouble(target: Target, keys: HostKeys, shown: Buffer): Trouble {
  const verdict = keys.check(shown);
  const evidence = `${place(target)} shows ${keyType(shown)} ${fingerprint(shown)}`;
  const compare = `ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub on the console of ${named(target)}`;
  switch (verdict.is) {
    case 'ok':
      throw new Error('a key that is known is no trouble');
    case 'revoked':
      return trouble({
        code: 'host-key-revoked',
        host: target.host,
        what: `${named(target)} shows a host key that is marked @revoked`,
        evidence,
        remedy: 'Treat whoever answers there as hostile until it is known who does. Then give the host a new key and put that into known-hosts.',
      });
    case 'mismatch':
      return trouble({
        code: 'host-key-mismatch',
        host: target.host,
        what: `${named(target)} shows another host key than known-hosts says`,
        evidence: `${evidence}; known-hosts says ${verdict.expected.join(', ')}`,
        cause: 'Somebody answers in its place, or it was set up anew.',
        remedy: `Compare with ${compare}. Only if the new fingerprint stands there, replace the line for ${keys.name} in known-hosts.`,
      });
    case 'unknown':
      return trouble({
        code: 'host-key-unknown',
        host: target.host,
        what: keys.types.length > 0 ? `known-hosts names ${named(target)} with keys of other types only (${keys.types.join(', ')})` : `known-hosts does not name ${named(target)}`,
        evidence,
        remedy: `Take the key from a place you trust: the console of ${named(target)} (/etc/ssh/ssh_host_*_key.pub), or a known_hosts file that has long been used with it. Add it to known-hosts under the name ${keys.name}, after comparing the fingerprint.`,
      });
  }
}
