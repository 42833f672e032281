import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { describe, expect, jest, test } from '@jest/globals';
import type { Host } from '../../src/cluster/cluster.ts';
import { reading, script } from '../../src/engine/command.ts';
import { failuresOf } from '../../src/engine/errors.ts';
import type { Event } from '../../src/engine/events.ts';
import { Secret } from '../../src/engine/secret.ts';
import { KEY } from '../support/key.ts';
import { openFleet } from '../../src/transport/fleet.ts';

const here: Host = { name: 'here', address: '127.0.0.1', roles: ['worker'], route: { via: 'local' } };
const there: Host = {
  name: 'there',
  address: '127.0.0.1',
  roles: ['worker'],
  route: { via: 'ssh', user: 'root', port: 22 },
};
const emit = (): void => undefined;
const hello = reading('say hello', ['echo', 'hello']);

describe('a fleet', () => {
  test('reports each command with its outcome and duration', async () => {
    const events: Event[] = [];
    const fleet = openFleet([here], { emit: (event) => events.push(event) });
    const outcome = await fleet.run('here', reading('wait', script('sleep 0.2; echo hello')));
    expect(outcome).toMatchObject({ ended: 'exited', code: 0, stdout: 'hello\n' });
    expect(events).toEqual([
      {
        is: 'command',
        host: 'here',
        command: expect.objectContaining({ purpose: 'wait' }),
        outcome,
        ms: expect.any(Number),
      },
    ]);
    const [event] = events;
    expect(event?.is === 'command' && event.ms >= 190 && event.ms < 5_000).toBe(true);
    await fleet.close();
  });

  test('of hosts that are all local needs neither key nor known hosts', async () => {
    const fleet = openFleet([here], { emit, knownHosts: 'nonsense' });
    await fleet.connectAll();
    await fleet.close();
  });

  test('does not know hosts that are not its own', async () => {
    const fleet = openFleet([here], { emit });
    await expect(fleet.run('there', hello)).rejects.toThrow('no host there');
    await fleet.close();
  });

  test('runs nothing after its end, whether it was closed or cancelled before it began', async () => {
    const closed = openFleet([here], { emit });
    await closed.close();
    const cancelled = openFleet([here], { emit, signal: AbortSignal.abort() });
    for (const fleet of [closed, cancelled]) expect(await fleet.run('here', hello)).toMatchObject({ ended: 'lost' });
    await expect(cancelled.connectAll()).rejects.toMatchObject({ failures: [{ code: 'cancelled' }] });
  });

  test('reports each unreachable host, and waits for none of them again', async () => {
    // Takes connections and never says a word.
    const silent = createServer().listen(0, '127.0.0.1');
    silent.unref();
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const ssh = (name: string): Host => ({ ...there, name, route: { via: 'ssh', user: 'root', port } });
    const key = Buffer.concat([
      Buffer.from([0, 0, 0, 11]),
      Buffer.from('ssh-ed25519'),
      Buffer.from([0, 0, 0, 32]),
      Buffer.alloc(32),
    ]).toString('base64');
    const knownHosts = `[127.0.0.1]:${port} ssh-ed25519 ${key}`;
    const fleet = openFleet([here, ssh('there'), ssh('beyond')], {
      emit,
      sshKey: new Secret('ssh-key', Buffer.from(KEY.secret, 'base64').toString()),
      knownHosts,
      connectMs: 300,
    });
    const failed = await fleet.connect();
    expect([...failed].map(([name, failures]) => [name, failures.map(({ code, host }) => [code, host])])).toEqual([
      ['there', [['host-unreachable', 'there']]],
      ['beyond', [['host-unreachable', 'beyond']]],
    ]);
    await expect(fleet.connectAll()).rejects.toMatchObject({ failures: [{ host: 'there' }, { host: 'beyond' }] });
    expect(await fleet.run('here', hello)).toMatchObject({ ended: 'exited', code: 0 });
    const connections = jest.fn();
    silent.on('connection', connections);
    expect(await fleet.run('there', hello)).toMatchObject({
      ended: 'lost',
      reason: expect.stringContaining('there does not respond'),
    });
    expect(connections).not.toHaveBeenCalled();
    await fleet.close();
  });

  test('accepts a host that is not in the cluster file only if its key is in the known hosts', async () => {
    const fleet = openFleet([here], {
      emit,
      sshKey: new Secret('ssh-key', Buffer.from(KEY.secret, 'base64').toString()),
    });
    fleet.add({ ...here, name: 'former' });
    fleet.add(there);
    expect(await fleet.run('former', hello)).toMatchObject({ ended: 'exited', code: 0, stdout: 'hello\n' });
    expect(await fleet.run('there', hello)).toMatchObject({
      ended: 'lost',
      failure: { code: 'host-key-unknown', host: 'there' },
    });
    expect(() => fleet.add(here)).toThrow('there is a host here in the fleet already');
    await fleet.close();
    fleet.add({ ...here, name: 'late' });
    for (const name of ['former', 'late']) expect(await fleet.run(name, hello)).toMatchObject({ ended: 'lost' });
  });

  test('of local hosts accepts none over SSH without a key', async () => {
    const fleet = openFleet([here], { emit });
    expect(() => fleet.add(there)).toThrow('ssh-key is missing');
    await fleet.close();
  });

  test('is cancelled in the middle of a command', async () => {
    const cancel = new AbortController();
    const fleet = openFleet([here], { emit, signal: cancel.signal });
    const running = fleet.run('here', reading('wait', ['sleep', '30'], { timeoutMs: 60_000 }));
    setTimeout(() => cancel.abort(), 300);
    expect(await running).toMatchObject({ ended: 'killed', signal: 'SIGTERM' });
  });

  test('gives the last command its time limit and no more', async () => {
    const fleet = openFleet([here], { emit });
    await fleet.connectAll();
    await fleet.run('here', hello);
    fleet.last('here', reading('wait', script('trap "" TERM; sleep 20'), { timeoutMs: 300 }));
    const began = Date.now();
    await fleet.close();
    expect(Date.now() - began).toBeLessThan(2_000);
  });

  test.each([
    ['no key', {}, /ssh-key is missing/],
    ['a blank key', { sshKey: new Secret('ssh-key', ' \n') }, /ssh-key is missing/],
    ['known hosts that cannot be read', { sshKey: new Secret('ssh-key', 'x'), knownHosts: 'a\nb\n' }, /line 1/],
  ])('with %s is not created', (_, options, what) => {
    let thrown: unknown;
    try {
      openFleet([here, there], { emit, ...options });
    } catch (error) {
      thrown = error;
    }
    expect(failuresOf(thrown)[0]).toMatchObject({ code: 'input-invalid', what: expect.stringMatching(what) });
  });
});
