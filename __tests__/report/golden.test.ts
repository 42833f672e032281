import { beforeAll, describe, expect, test } from '@jest/globals';
import { golden, logOf, NAMES, toldOf } from './golden.ts';
import type { Recorder } from './play.ts';

describe.each(NAMES)('a run: %s', (name) => {
  let face: Recorder;
  beforeAll(async () => {
    face = await toldOf(name);
  });

  test('has the log of its golden file', () => expect(logOf(face)).toBe(golden(name, 'txt')));
  test('has the job summary of its golden file', () => expect(face.markdown).toBe(golden(name, 'md')));
});

test('the outputs of an apply say how much changed, what, and the proof', async () => {
  const face = await toldOf('apply-changed');
  expect(face.outputs).toMatchObject({ changed: '3', 'load-balancer-url': 'http://10.77.0.11:8081' });
  const plan = JSON.parse(face.outputs['plan'] ?? '') as Record<string, unknown[]>;
  expect(Object.keys(plan)).toEqual(['domain', 'changes', 'satisfied', 'later', 'awaited', 'warnings', 'failures']);
  expect(plan['changes']?.[0]).toEqual({
    stage: 'kuscia-start',
    host: 'node-01',
    change: '~',
    what: 'replace replica root-kuscia-autonomy-alice',
    why: 'memory 2 GiB -> 3 GiB; image sha256:23c263865436',
  });
  expect(plan['warnings']).toHaveLength(1);
  expect(JSON.parse(face.outputs['verify'] ?? '')).toMatchObject({
    domain: 'alice',
    healthy: true,
    nodes: { ready: 2, total: 2 },
  });
});

test('a plan changes nothing and proves nothing', async () => {
  const face = await toldOf('plan');
  expect(face.outputs).toMatchObject({ changed: '0', verify: '', 'load-balancer-url': 'http://10.77.0.11:8080' });
  expect(face.lines.at(-1)).toBe('Nothing was changed (mode: plan).');
});
