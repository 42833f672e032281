import { describe, expect, test } from '@jest/globals';
import { reading } from '../../src/engine/command.ts';
import { Secret } from '../../src/engine/secret.ts';
import { Timeline, type TimedCommand } from '../../src/report/timeline.ts';
import { ALICE } from './alice.ts';
import { recorder, reportOn } from './play.ts';

const ran = (host: string, from: number, ms: number, stage?: string): TimedCommand => ({
  host,
  from,
  ms,
  stage,
  purpose: `from ${from}`,
  ending: 'exit 0',
});
const timelineOf = (...all: readonly TimedCommand[]): Timeline => {
  const timeline = new Timeline();
  for (const each of all) timeline.add(each);
  return timeline;
};

describe('a timeline', () => {
  test('shows when each host was at work, and for which stage', () => {
    const timeline = timelineOf(
      ran('a', 0, 1_000),
      ran('bcd', 2_000, 1_990, 'swarm-join'),
      ran('a', 7_000, 1_000, 'preflight'),
    );
    expect(timeline.chart(['a', 'bcd'], ['preflight', 'swarm-init', 'swarm-join'])).toEqual([
      `a   |${'-'.repeat(11)}${' '.repeat(59)}${'a'.repeat(10)}|`,
      `bcd |${' '.repeat(20)}${'c'.repeat(20)}${' '.repeat(40)}|`,
      '- reading; a preflight, c swarm-join; one column is 0.10 s',
    ]);
  });

  test('names the commands that took longest', () => {
    const timeline = timelineOf(...Array.from({ length: 20 }, (_, i) => ran('a', i, (i * 7) % 20)));
    expect(timeline.longest.map(({ ms }) => ms)).toEqual([19, 18, 17, 16, 15, 14, 13, 12, 11, 10]);
  });

  test('counts what it does not keep', () => {
    const timeline = timelineOf(...Array.from({ length: 6_000 }, (_, i) => ran('a', i, 1)));
    expect([timeline.count, timeline.chart(['a'], []).length]).toEqual([6_000, 2]);
  });
});

test('is in the job summary, folded, masked, and no larger for many hosts and commands', async () => {
  const face = recorder();
  const report = reportOn(face);
  report.hide([new Secret('password', 'correct-horse')]);
  const hosts = Array.from({ length: 12 }, (_, i) => ({
    name: `node-${i}`,
    address: `10.0.0.${i + 1}`,
    roles: ['replica'] as const,
    route: { via: 'local' } as const,
  }));
  report.begin({ mode: 'apply', cluster: { ...ALICE, hosts: [...ALICE.hosts, ...hosts] }, stages: ['swarm-init'] });
  for (let i = 0; i < 1_000; i += 1) {
    const command = reading(`read | correct-horse <b> ${'x'.repeat(500)}`, ['true']);
    report.emit({
      is: 'command',
      host: `node-${i % 12}`,
      command,
      outcome: { ended: 'exited', code: 0, stdout: 'said', stderr: '' },
      ms: i,
    });
  }
  await report.finish([]);
  const [, timeline = ''] = face.markdown.split('<details>');
  expect(timeline).toContain('<summary>Timeline: 1000 commands on 15 hosts</summary>');
  expect(timeline).not.toContain('correct-horse');
  expect(timeline).not.toContain('<b>');
  expect(timeline.length).toBeLessThan(8_000);
});
