import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import type { Failure } from '../../src/engine/errors.ts';
import type { Mode } from '../../src/report/run-state.ts';
import { CUT, play, recorder, reportOn } from './play.ts';

const golden = (name: string): string => readFileSync(`${import.meta.dirname}/golden/${name}`, 'utf8');

const CASES: readonly { readonly name: string; readonly mode: Mode; readonly failures: readonly Failure[] }[] = [
  { name: 'plan', mode: 'plan', failures: [] },
  { name: 'apply', mode: 'apply', failures: [] },
  {
    name: 'apply-failed',
    mode: 'apply',
    failures: [
      CUT,
      {
        code: 'port-taken',
        host: 'node-03',
        what: 'port 8080 is taken',
        evidence: 'nginx, process 812',
        remedy: 'Stop it, or choose another load-balancer port.',
      },
    ],
  },
  { name: 'verify', mode: 'verify', failures: [] },
  { name: 'verify-failed', mode: 'verify', failures: [CUT] },
];

describe.each(CASES)('a run: $name', ({ name, mode, failures }) => {
  test('reads in the log as in its golden file', async () => {
    const face = recorder();
    await play(reportOn(face), mode, failures);
    expect(`${face.lines.join('\n')}\n`).toBe(golden(`${name}.txt`));
  });

  test('reads in the job summary as in its golden file', async () => {
    const face = recorder();
    await play(reportOn(face), mode, failures);
    expect(face.markdown).toBe(golden(`${name}.md`));
  });
});

test('the outputs of an apply say how much changed, what, and the proof', async () => {
  const face = recorder();
  await play(reportOn(face), 'apply');
  expect(face.outputs).toMatchObject({ changed: '4', 'load-balancer-url': 'http://10.0.0.11:8080' });
  const plan = JSON.parse(face.outputs['plan'] ?? '') as Record<string, unknown[]>;
  expect(Object.keys(plan)).toEqual(['domain', 'changes', 'satisfied', 'later', 'awaited', 'warnings', 'failures']);
  expect(plan['changes']?.[0]).toEqual({
    stage: 'swarm-init',
    host: 'node-01',
    change: '+',
    what: 'initialise the swarm, advertise 10.0.0.11',
    why: 'not in any swarm',
  });
  expect(plan['warnings']).toHaveLength(1);
  expect(JSON.parse(face.outputs['verify'] ?? '')).toMatchObject({
    domain: 'alice',
    healthy: true,
    nodes: { ready: 3, total: 3 },
  });
});

test('a plan changes nothing and proves nothing', async () => {
  const face = recorder();
  await play(reportOn(face), 'plan');
  expect(face.outputs).toMatchObject({ changed: '0', verify: '', 'load-balancer-url': 'http://10.0.0.11:8080' });
  expect(face.lines.at(-1)).toBe('Nothing was changed (mode: plan).');
});
