import type { Host } from '../cluster/cluster.ts';
import type { Fleet } from '../engine/ask.ts';
import { reading, type Command } from '../engine/command.ts';
import { DeploymentError, deploymentError, type Failure } from '../engine/errors.ts';
import type { Emit } from '../engine/events.ts';
import { succeeded } from '../engine/outcome.ts';
import type { Secret } from '../engine/secret.ts';
import type { Connection } from './connection.ts';
import { HostConnection } from './host-connection.ts';
import { readKnownHosts } from './host-keys.ts';
import { LocalConnection } from './local.ts';
import { LoginKey } from './login-key.ts';
import { openSsh } from './ssh-open.ts';
import type { Login } from './ssh-login.ts';
import { sudoError } from './ssh-errors.ts';

/** What opening the hosts takes besides the hosts themselves. */
export interface FleetOptions {
  /** Private key; needed as soon as one host is reached over SSH. */
  readonly sshKey?: Secret;
  readonly passphrase?: Secret;
  /** Private key for the bastions, where they take another one than the hosts. */
  readonly bastionKey?: Secret;
  readonly bastionPassphrase?: Secret;
  /** Text of a known_hosts file. */
  readonly knownHosts?: string;
  readonly emit: Emit;
  /** When it aborts, what runs is ended and every connection is closed. */
  readonly signal?: AbortSignal;
  /** How long a host may take to connect, in milliseconds; 20 s unless told. */
  readonly connectMs?: number;
}

/** The hosts as something that runs commands: one connection each, opened when it is first needed. */
export interface OpenFleet extends Fleet {
  /** What of the known hosts was passed over; one line each. */
  readonly notes: readonly string[];
  /**
   * Opens every host, side by side. Throws one DeploymentError with the failures of all hosts. That a login runs no
   * commands is told by the first one, which is lost and brings the failure: a question of its own would cost each run
   * a round trip.
   */
  connectAll(): Promise<void>;
  /**
   * Opens every host, side by side, starts a shell on each where that is asked for, and gives the failures of those
   * that cannot be used, by host; a command to one of them ends at once, as lost. Never rejects.
   */
  connect(then?: 'and start a shell'): Promise<ReadonlyMap<string, readonly Failure[]>>;
  /**
   * From now on this is the last command that is run on the host before its connection is closed, also when the run is
   * cancelled. It is left behind once its time is over, which should be no more than 1.5 s.
   */
  last(host: string, command: Command): void;
  /**
   * Ends what still runs and closes every connection, within 4 s and what the last commands take. Nothing can be run
   * afterwards.
   */
  close(): Promise<void>;
}

/** A fleet that can reach beyond the cluster file. */
export interface GrowingFleet extends OpenFleet {
  /**
   * Takes in a host that is not in the cluster file. It is opened when it is first needed, by the same login; its key
   * is checked like any other's. Throws a DeploymentError where the key of the login is missing.
   */
  add(host: Host): void;
}

/**
 * Makes a fleet; connects to nothing yet. Throws a DeploymentError when the known hosts cannot be read or the key is
 * missing.
 */
export function openFleet(hosts: readonly Host[], options: FleetOptions): GrowingFleet {
  const closing = new AbortController();
  const { login, notes } = loginOf(hosts, options, closing.signal);
  const berth = (host: Host, by: Login | undefined) => new HostConnection(() => open(host, by));
  const berths = new Map(hosts.map((host) => [host.name, berth(host, login)]));
  const { emit, signal } = options;
  let ending: Promise<void> | undefined;

  const close = (): Promise<void> => {
    closing.abort();
    return (ending ??= Promise.all([...berths.values()].map((berth) => berth.close())).then(() => undefined));
  };
  const opened = async (first?: Command): Promise<ReadonlyMap<string, readonly Failure[]>> => {
    const found = await Promise.all(
      [...berths].map(async ([name, berth]) => [name, await berth.failures(first)] as const),
    );
    return new Map(found.filter(([, failures]) => failures.length > 0));
  };
  if (signal?.aborted === true) void close();
  else signal?.addEventListener('abort', () => void close(), { once: true });

  return {
    notes,
    close,
    async run(name, command, stage) {
      const berth = berths.get(name);
      if (!berth) throw new Error(`no host ${name} in the fleet`);
      const started = Date.now();
      const outcome = await berth.run(command);
      emit({
        is: 'command',
        host: name,
        command,
        outcome,
        ms: Date.now() - started,
        ...(stage !== undefined && { stage }),
      });
      return outcome;
    },
    add(host) {
      if (berths.has(host.name)) throw new Error(`there is a host ${host.name} in the fleet already`);
      const added = berth(host, login ?? loginOf([host], options, closing.signal).login);
      berths.set(host.name, added);
      if (closing.signal.aborted) void added.close();
    },
    last(name, command) {
      berths.get(name)?.last(command);
    },
    connect: (then) => opened(then && reading('start a shell', ['true'], { timeoutMs: 15_000 })),
    async connectAll() {
      const failures = [...(await opened()).values()].flat();
      if (failures.length > 0) throw new DeploymentError(distinct(failures));
    },
  };
}

function loginOf(
  hosts: readonly Host[],
  options: FleetOptions,
  closing: AbortSignal,
): { login: Login | undefined; notes: readonly string[] } {
  if (hosts.every((host) => host.route.via === 'local')) return { login: undefined, notes: [] };
  const { sshKey, passphrase, bastionKey, bastionPassphrase, connectMs } = options;
  if (!sshKey || sshKey.reveal().trim() === '') {
    throw deploymentError({
      code: 'input-invalid',
      what: 'ssh-key is missing',
      remedy: 'Give the private key whose public key the hosts accept; only hosts with via: local need none.',
    });
  }
  const known = readKnownHosts(options.knownHosts ?? '');
  const key = new LoginKey('ssh-key', sshKey, passphrase);
  const ofBastion = bastionKey ? new LoginKey('bastion-key', bastionKey, bastionPassphrase) : key;
  return {
    login: { key, bastionKey: ofBastion, known, signal: closing, ...(connectMs !== undefined && { connectMs }) },
    notes: known.notes,
  };
}

async function open(host: Host, login: Login | undefined): Promise<Connection> {
  const connection = await connected(host, login);
  if (!host.route.sudo) return connection;
  const outcome = await connection.run(reading('get the group docker by sudo', ['true'], { timeoutMs: 10_000 }));
  if (succeeded(outcome)) return connection;
  await connection.close();
  throw outcome.ended === 'lost' && outcome.failure ? deploymentError(outcome.failure) : sudoError(host, outcome);
}

function connected(host: Host, login: Login | undefined): Promise<Connection> {
  if (host.route.via === 'local') return Promise.resolve(new LocalConnection(host.name, host.route.sudo));
  if (!login) throw new Error('a host reached over SSH without a login');
  return openSsh(host.name, host.address, host.route, login);
}

/** One key is wrong once, not once per host. */
function distinct(failures: readonly Failure[]): Failure[] {
  return [...new Map(failures.map((failure) => [JSON.stringify(failure), failure])).values()];
}
