import { randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { wholeFile } from '../../src/artifacts/whole-file.ts';
import { changing, reading, script } from '../../src/engine/command.ts';
import { LocalConnection } from '../../src/transport/local.ts';
import { marked, transportContract } from './contract.ts';

describe('commands on this host', () => {
  const connection = new LocalConnection('here');
  afterAll(() => connection.close());
  transportContract(() => connection);
});

describe('what a command on this host sees and leaves', () => {
  const connection = new LocalConnection('here');
  beforeAll(() => {
    process.env['INPUT_PASSWORD'] = 'top secret';
  });
  afterAll(async () => {
    delete process.env['INPUT_PASSWORD'];
    await connection.close();
  });

  test('the inputs of the action are not passed on', async () => {
    const outcome = await connection.run(reading('look around', ['env']));
    expect(outcome.stdout).toMatch(/^LC_ALL=C$/m);
    expect(outcome.stdout).not.toMatch(/INPUT_|top secret|GITHUB_/);
  });

  test('nothing is printed', async () => {
    const printed = jest.spyOn(process.stdout, 'write').mockImplementation(() => true);
    try {
      await connection.run(reading('say something', script('echo loud; echo louder >&2')));
      expect(printed).not.toHaveBeenCalled();
    } finally {
      printed.mockRestore();
    }
  });

  test('closing ends all running commands', async () => {
    const mark = randomUUID();
    const closing = new LocalConnection('here');
    const running = closing.run(marked(mark).endless);
    await expectSoon(async () => (await connection.run(marked(mark).count)).stdout, '1\n');
    await closing.close();
    expect(await running).toMatchObject({ ended: 'killed', signal: 'SIGTERM' });
    expect((await connection.run(marked(mark).count)).stdout).toBe('0\n');
    expect(await closing.run(reading('try', ['true']))).toMatchObject({ ended: 'lost' });
  }, 10_000);

  test('closing leaves no partial output, even if the terminated command exits with 0', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'closing-'));
    const closing = new LocalConnection('here');
    const begun = Promise.withResolvers<void>();
    const stdout = { keep: wholeFile(join(folder, 'output')), onReceived: () => begun.resolve() };
    const text = 'trap "exit 0" TERM; head -c 300000 /dev/zero; while :; do sleep 0.1; done';
    const running = closing.run(changing('write', script(text), { stdout }));
    await begun.promise;
    expect(readdirSync(folder)).toHaveLength(1);
    await closing.close();
    expect(readdirSync(folder)).toEqual([]);
    expect(await running).toMatchObject({ ended: 'not-kept' });
    rmSync(folder, { recursive: true });
  });

  test('a command that timed out is gone, on a terminal too', async () => {
    const mark = randomUUID();
    const { endless, count } = marked(mark);
    expect(await connection.run({ ...endless, timeoutMs: 500 })).toMatchObject({ ended: 'timed-out' });
    expect(await connection.run({ ...endless, timeoutMs: 500, terminal: true })).toMatchObject({ ended: 'timed-out' });
    expect((await connection.run(count)).stdout).toBe('0\n');
  });
});

async function expectSoon(look: () => Promise<string>, wanted: string): Promise<void> {
  const deadline = Date.now() + 5_000;
  let last = await look();
  while (last !== wanted && Date.now() < deadline) last = await look();
  expect(last).toBe(wanted);
}
