import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { diagnose } from '../../src/diagnosis/diagnose.ts';
import { logsOf, type Log } from '../../src/diagnosis/logs.ts';
import type { Command } from '../../src/engine/command.ts';
import type { Outcome } from '../../src/engine/outcome.ts';
import { clusterOf, THREE } from '../support/deployment.ts';

const cluster = clusterOf();
const [host] = THREE as [(typeof THREE)[number]];
const folder = mkdtempSync(join(tmpdir(), 'logs-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs the reader's own script, on a host whose programs are these. */
async function readOn(programs: Readonly<Record<string, string>>, endMs?: number): Promise<readonly Log[]> {
  const bin = join(folder, String(Math.random()));
  mkdirSync(bin);
  for (const [name, text] of Object.entries(programs)) {
    writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(bin, name), 0o755);
  }
  const { command, read } = logsOf(cluster, host, 30);
  return read(await ran(command, `${bin}:${process.env['PATH'] ?? ''}`, endMs));
}

const ran = ({ program, args, timeoutMs }: Command, PATH: string, endMs = timeoutMs): Promise<Outcome> =>
  new Promise((resolve) => {
    execFile(program, [...args], { env: { PATH }, timeout: endMs }, (error, stdout, stderr) =>
      resolve(
        error?.killed === true
          ? { ended: 'timed-out', afterMs: endMs, stdout, stderr }
          : { ended: 'exited', code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr },
      ),
    );
  });

const JOURNAL = 'echo "2026-11-25T12:00:00+0000 node-01 dockerd[1]: creating vxlan interface: file exists"';
const HANGS = 'exec sleep 60';
const named = (logs: readonly Log[], name: string): readonly string[] | undefined =>
  logs.find((log) => log.name === name)?.lines;

describe('the logs of a host', () => {
  test('include those of the engine even if it hangs', async () => {
    const logs = await readOn({ docker: HANGS, journalctl: JOURNAL });
    expect(logs.filter(({ speaker }) => speaker === 'engine').flatMap(({ lines }) => lines)).toEqual([
      expect.stringContaining('file exists'),
    ]);
    expect(named(logs, 'docker ps')).toEqual(['the Docker Engine did not respond']);
  }, 20_000);

  test('include those of the containers that answer, even if one of them hangs', async () => {
    const docker = `case "$*" in
"ps "*) echo "alice-nginx-lb running Up nginx:1.26"; echo "alice-mysql running Up mysql:8.0"; echo "elses running Up x";;
"logs "*alice-nginx-lb) exec sleep 60;;
"logs "*) echo "$(date -u +%FT%T.%NZ) said by $7";;
"inspect "*) echo '{"Status":"running"}';;
esac`;
    const logs = await readOn({ docker, journalctl: JOURNAL });
    expect(logs.find(({ speaker, name }) => speaker === 'database' && name.startsWith('docker logs'))?.lines).toEqual([
      expect.stringContaining('said by'),
    ]);
    expect(logs.map(({ name }) => name).filter((name) => name.includes('elses'))).toEqual([]);
  }, 20_000);

  test('contain everything read before the deadline', async () => {
    const logs = await readOn({ docker: HANGS, journalctl: JOURNAL, timeout: 'shift; exec "$@"' }, 2_000);
    expect(logs.find(({ speaker }) => speaker === 'engine')?.lines).toEqual([expect.stringContaining('file exists')]);
  }, 20_000);
});

describe('a failed run', () => {
  const failure = {
    code: 'command-timed-out',
    host: 'node-01',
    what: 'could not start the probe: timed out after 120 s',
    remedy: 'Look.',
  } as const;

  test('uses truncated logs of a host', async () => {
    const run = ({ args }: Command): Promise<Outcome> => {
      const mark = args.find((arg) => /^[0-9a-f]{24}$/.test(arg)) ?? '';
      return Promise.resolve({
        ended: 'timed-out',
        afterMs: 15_000,
        stdout: `\n${mark} engine\ncreating vxlan interface: file exists\n\n${mark} docker ps\n`,
        stderr: '',
      });
    };
    const { failures, logs } = await diagnose([failure], {
      cluster,
      hosts: [host],
      fleet: { run: (_, command) => run(command) },
      seconds: 10,
    });
    expect(failures).toMatchObject([{ cause: expect.stringContaining('VXLAN') }]);
    expect(logs.map(({ name }) => name)).toEqual(['log of the Docker Engine', 'docker ps']);
  });

  test('continues if reading itself fails', async () => {
    const { failures, logs } = await diagnose([failure], {
      cluster,
      hosts: [host],
      fleet: { run: () => Promise.reject(new Error('x')) },
      seconds: 10,
    });
    expect([failures.length, logs]).toEqual([1, []]);
  });
});
