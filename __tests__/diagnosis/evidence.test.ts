import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { explained } from '../../src/diagnosis/explain.ts';
import { FAULTS } from '../../src/diagnosis/faults.ts';
import { logsOf, logText, type Log } from '../../src/diagnosis/logs.ts';
import { timeOf, offsetIn } from '../../src/diagnosis/log-times.ts';
import type { Failure } from '../../src/engine/errors.ts';
import { lastErrorLines } from '../../src/kuscia/facts.ts';
import { clusterOf, THREE } from '../support/deployment.ts';

const HEALTHY = readFileSync(join(import.meta.dirname, '../support/data/healthy.log'), 'utf8')
  .split('\n')
  .filter((line) => line !== '');
const [host, second] = THREE as [(typeof THREE)[number], (typeof THREE)[number]];
const folder = mkdtempSync(join(tmpdir(), 'words-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The answer of the query for a given log of docker. */
function wordsIn(log: readonly string[], state = '2026-11-26T18:00:00Z 0'): string {
  writeFileSync(join(folder, 'log'), `${log.join('\n')}\n`);
  writeFileSync(
    join(folder, 'docker'),
    `#!/bin/sh\ncase $1 in inspect) echo '${state}' ;; logs) echo "$@" >'${folder}/asked'; cat '${folder}/log' ;; esac\n`,
  );
  chmodSync(join(folder, 'docker'), 0o755);
  const { program, args } = lastErrorLines('r').command;
  const stdout = execFileSync(program, [...args], {
    encoding: 'utf8',
    env: { PATH: `${folder}:${process.env['PATH'] ?? ''}`, LC_ALL: 'C' },
  });
  const fact = lastErrorLines('r').read({ ended: 'exited', code: 0, stdout, stderr: '' });
  return fact.is === 'present' ? fact.value : 'unknown';
}
const asked = (): string => readFileSync(join(folder, 'asked'), 'utf8').trim();

describe('the output of a healthy replica is not evidence', () => {
  test('of any fault that explains something', () => {
    const telling = FAULTS.filter(({ speaker, explains }) => speaker === 'replica' && explains.length > 0);
    expect(
      HEALTHY.flatMap((line) =>
        telling.filter((fault) => fault.line.test(line)).map(({ cause }) => `${line}: ${cause}`),
      ),
    ).toEqual([]);
    expect(HEALTHY.length).toBeGreaterThan(30);
  });

  test('for its last error lines', () => {
    expect(HEALTHY.map((line) => wordsIn([line])).filter((words) => words !== '')).toEqual([]);
    expect(wordsIn(HEALTHY)).toBe('');
  });
});

describe('the last error line of a replica is the first decisive line of its last start', () => {
  const refused =
    "2026-11-23 14:23:00.652 ERROR modules/k3s.go:114 k3s check datastore endpoint failed with: ping datastore endpoint error: Error 1045: Access denied for user 'kuscia'@'10.77.0.13' (using password: YES)";
  const twin =
    '2026-11-23 14:28:40.100 WARN framework/node_controller.go:386 There is another node with same name but a different machine id is running, please check, node_name=x';
  const start = 'Kuscia config file watcher start, config file: etc/conf/kuscia.yaml.';
  test.each([
    [
      'before what follows from it',
      [
        start,
        twin,
        '2026-11-23 14:28:48.633 WARN modules/scheduler.go:130 Schedule run failed with: lost lease',
        '2026-11-23 14:28:48.714 FATAL commands/root.go:127 Failed to run node controller: client rate limiter Wait returned an error: context canceled',
      ],
      /^WARN .*different machine id/,
    ],
    ['whatever healthy noise is around it', [...HEALTHY.slice(0, 20), refused, ...HEALTHY.slice(20, 30)], /Error 1045/],
    [
      'of the last start that said one',
      [
        start,
        refused,
        start,
        "2026-11-27 02:03:00.001 FATAL modules/domainroute.go:73 NewDomainRouteModule failed, provided PrivateKey doesn't match parent's PublicKey",
        start,
      ],
      /^FATAL .*parent's PublicKey/,
    ],
    [
      'a FATAL one if none is known',
      [start, '2026-11-23 14:34:17.866 FATAL modules/k3s.go:458 apply x.yaml err:exit status 1'],
      /^FATAL modules\/k3s\.go:458/,
    ],
    ['none after a start that succeeded', [start, refused, 'INFO start/manager.go:220 Kuscia started success'], /^$/],
  ])('%s', (_, log, words) => {
    expect(wordsIn(log)).toMatch(words);
  });

  test("requested since its current start, by docker's clock; if docker restarts it, the previous start counts, too", () => {
    const recent = new Date(Date.now() - 5_000).toISOString();
    /** Docker records a start just after the process has begun to log. */
    const second = (time: string): string => new Date(Date.parse(time) - 1_000).toISOString().replace(/\.\d+Z$/, 'Z');
    const ask = (state: string): string => (wordsIn([refused], state), asked());
    expect([
      ask(`${recent} 0`),
      ask(`${recent} 3`),
      ask('2026-11-20T18:00:00Z 3'),
      ask('0001-01-01T00:00:00Z 0'),
    ]).toEqual([
      `logs --since ${second(recent)} --tail 400 r`,
      'logs --since 110s --tail 400 r',
      'logs --since 2026-11-20T17:59:59Z --tail 400 r',
      'logs --since 0 --tail 400 r',
    ]);
  });
});

describe('a log contains only lines from the time of the run', () => {
  const NOW = '2026-11-26T18:04:06Z';
  const container = 'root-kuscia-autonomy-alice';
  const state = (started: string, restarts: number): string =>
    `{"Status":"running","StartedAt":"${started}","FinishedAt":"0001-01-01T00:00:00Z"} restarts ${restarts} memory 0 hostname ${container}-node-02`;
  /** The logs of a host of a run that took 18 s. */
  const readFrom = (
    ...sections: readonly (readonly [title: string, ...lines: readonly string[]])[]
  ): readonly Log[] => {
    const { read } = logsOf(clusterOf(), second, 20, 'f00d');
    return read({
      ended: 'exited',
      code: 0,
      stdout: [['host', NOW] as const, ...sections].map((lines) => `\nf00d ${lines.join('\n')}\n`).join(''),
      stderr: '',
    });
  };
  const linesOf = (logs: readonly Log[], name: string): readonly string[] | undefined =>
    logs.find((log) => log.name.includes(name))?.lines;
  const old =
    '2026-11-27 02:00:50.173 ERROR controller/handshake.go:433 publickey hash mismatch in domainroute [bob-alice]';
  const fresh =
    '2026-11-27 02:04:01.173 ERROR service/config.go:71 Failed to get domain public key config, crypto/rsa: decryption error';

  test("by docker's clock and, in the files, by the image's clock, derived from the same lines", () => {
    const logs = readFrom(
      ['logs root-kuscia-autonomy-alice', `2026-11-26T18:00:50.2Z ${old}`, `2026-11-26T18:04:01.2Z ${fresh}`],
      [`state ${container}`, state('2026-11-26T17:00:00Z', 0)],
      [`file ${container} kuscia.log`, old, ' at stack', fresh, ' at stack too'],
      [
        `file ${container} envoy/internal.log`,
        '10.88.0.1 - [27/Nov/2026:02:00:50 +0800] old',
        '10.88.0.1 - [27/Nov/2026:02:04:03 +0800] new',
      ],
    );
    expect(linesOf(logs, 'docker logs')).toEqual([`2026-11-26T18:04:01.2Z ${fresh}`]);
    expect(linesOf(logs, 'kuscia.log')).toEqual([fresh, ' at stack too']);
    expect(linesOf(logs, 'internal.log')).toEqual(['10.88.0.1 - [27/Nov/2026:02:04:03 +0800] new']);
    expect(logs.find(({ speaker }) => speaker === 'replica')?.subject).toBe(`${container}-node-02`);
  });

  test('none from a file whose clock is unknown, nor from a process that this run ended', () => {
    const logs = readFrom(
      [`logs ${container}`, '2026-11-26T18:04:01.2Z end of the former', '2026-11-26T18:04:03.2Z begin of the present'],
      [`state ${container}`, state('2026-11-26T18:04:02.5Z', 0)],
      [`file ${container} kuscia.log`, fresh],
    );
    expect(linesOf(logs, 'docker logs')).toEqual(['2026-11-26T18:04:03.2Z begin of the present']);
    expect(linesOf(logs, 'kuscia.log')).toEqual([]);
    // A reader of the kept logs gets all of it.
    for (const text of ['end of the former', 'begin of the present', fresh]) expect(logText(logs)).toContain(text);
  });

  test('and from the previous start of one that docker restarts repeatedly, but not of one restarted once', () => {
    const lines = ['2026-11-26T18:02:50.2Z FATAL', '2026-11-26T18:04:03.2Z begin'] as const;
    expect(
      linesOf(
        readFrom([`logs ${container}`, ...lines], [`state ${container}`, state('2026-11-26T18:04:02Z', 7)]),
        'docker logs',
      ),
    ).toEqual(lines);
    expect(
      linesOf(
        readFrom([`logs ${container}`, ...lines], [`state ${container}`, state('2026-11-26T10:00:00Z', 7)]),
        'docker logs',
      ),
    ).toEqual([lines[1]]);
  });

  test("an engine's line that continues in the next one is a single line", () => {
    expect(
      linesOf(
        readFrom(['engine', 'level=error msg="iptables failed: No chain', ' (exit status 1))."']),
        'Docker Engine',
      ),
    ).toEqual(['level=error msg="iptables failed: No chain (exit status 1))."']);
  });

  test.each([
    ['2026-11-27 02:00:50.173 ERROR', 8 * 3_600_000, Date.UTC(2026, 10, 26, 18, 0, 50, 173)],
    ['2026-11-27 02:00:50.173 ERROR', undefined, undefined],
    ['[2026-11-27 02:00:50.173][12][info]', 8 * 3_600_000, Date.UTC(2026, 10, 26, 18, 0, 50, 173)],
    ['time="2026-11-26T18:00:50Z" level=info', undefined, Date.UTC(2026, 10, 26, 18, 0, 50)],
    ['2026-11-26T18:00:50.1+08:00 x', 0, Date.UTC(2026, 10, 26, 10, 0, 50, 100)],
    ['E1127 02:00:50.173456      13 controller.go:1] x', 8 * 3_600_000, Date.UTC(2026, 10, 26, 18, 0, 50, 173)],
    ['.:53', 0, undefined],
  ])('%j was written at a known time', (line, offset, at) => {
    expect(timeOf(line, offset, Date.UTC(2026, 10, 26))).toBe(at);
  });

  test('docker and image clocks are compared if both are known', () => {
    expect([
      offsetIn([`2026-11-26T18:00:50.186Z ${old}`]),
      offsetIn(['2026-11-26T18:00:50.186Z 2026-11-26T18:00:50Z level=info']),
      offsetIn([]),
    ]).toEqual([8 * 3_600_000, undefined, undefined]);
  });
});

describe('a removed container', () => {
  const back = (name: string, speaker: Log['speaker'], ...lines: readonly string[]): Log => ({
    host: 'node-02',
    name,
    container: 'r',
    speaker,
    lines,
  });
  const logs = [
    back('docker logs r', 'replica', 'Kuscia is well'),
    back('r:/home/kuscia/var/logs/kuscia.log', 'replica', 'FATAL error while dialing: lookup db: no such host'),
  ];
  const undone: Failure = {
    code: 'replica-unhealthy',
    host: 'node-02',
    what: 'kuscia.sh did not start the replica: exit 1',
    remedy: 'Look.',
    removed: { container: 'r', lines: ['FATAL out of luck'] },
  };

  test('is explained by its own last lines, never by those of the restored one', () => {
    expect(explained([undone], logs)).toEqual([
      { ...undone, cause: 'unknown; last lines of docker logs r (before it was removed):\nFATAL out of luck' },
    ]);
  });

  test('even if no log of its host could be read', () => {
    expect(explained([undone], [])[0]?.cause).toContain('FATAL out of luck');
  });
});

describe('a cause belongs to the right replica', () => {
  const log = (of: (typeof THREE)[number], ...lines: readonly string[]): Log => ({
    host: of.name,
    speaker: 'replica',
    name: 'docker logs r',
    subject: `root-kuscia-autonomy-alice-${of.name}`,
    lines,
  });
  const red: Failure = {
    code: 'cluster-unhealthy',
    host: 'node-02',
    what: 'root-kuscia-autonomy-alice-node-02: direct is no answer in time',
    remedy: 'Look.',
  };
  const denied = 'ping datastore endpoint error: Error 1045: Access denied for user';
  const causeOf = (failure: Failure, ...logs: readonly Log[]): string =>
    explained([failure], logs, THREE)[0]?.cause ?? '';

  test('its own log counts, that of another only if it names the replica', () => {
    expect(causeOf(red, log(host, denied))).toMatch(/^unknown/);
    expect(causeOf(red, log(second, denied))).toMatch(/rejects the user/);
    expect(
      causeOf(
        red,
        log(host, 'node root-kuscia-autonomy-alice-node-02: same name but a different machine id is running'),
      ),
    ).toMatch(/with the same name/);
    expect(
      causeOf(
        red,
        log(host, 'node root-kuscia-autonomy-alice-node-02b: same name but a different machine id is running'),
      ),
    ).toMatch(/^unknown/);
    expect(
      causeOf(
        {
          code: 'load-balancer-unhealthy',
          host: 'node-01',
          what: 'the load balancer does not forward to root-kuscia-autonomy-alice-node-02, which works',
          remedy: '.',
        },
        log(second, denied),
      ),
    ).toMatch(/rejects the user/);
  });

  test("a partner's certificate explains nothing here", () => {
    expect(
      causeOf(
        red,
        log(
          second,
          '2026-11-27 02:00:50.173 ERROR controller/handshake.go:433 DestReplyHandshake for [bob-alice] failed, detail-> source domain [bob] publickey hash mismatch in domainroute [bob-alice]',
        ),
      ),
    ).toMatch(/^unknown/);
    expect(
      FAULTS.find(({ line }) => line.test('source domain [bob] publickey hash mismatch in domainroute [bob-alice]'))
        ?.cause,
    ).toMatch(/certificate of a partner/);
  });

  test('a container that was restarted with another key is explained', () => {
    expect(
      causeOf(
        red,
        log(
          second,
          "2026-11-27 02:04:00.001 FATAL modules/domainroute.go:73 x provided PrivateKey doesn't match parent's PublicKey",
          'Failed to get domain public key config, crypto/rsa: decryption error',
        ),
      ),
    ).toMatch(/only restarted/);
  });

  test('nginx explains only the replica that it names', () => {
    const nginx = (upstream: string): Log => ({
      host: 'node-01',
      speaker: 'load-balancer',
      name: 'docker logs alice-nginx-lb',
      lines: [
        `[error] 223#223: *1491 upstream timed out (110: Connection timed out) while SSL handshaking to upstream, upstream: "https://${upstream}:20000/"`,
      ],
    });
    expect(causeOf(red, nginx('10.77.0.12'))).toMatch(/nginx cannot reach a replica/);
    expect(causeOf(red, nginx('10.77.0.13'))).toMatch(/^unknown/);
    expect(causeOf(red, nginx('10.77.0.1'))).toMatch(/^unknown/);
  });
});
