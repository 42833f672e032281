import { describe, expect, test } from '@jest/globals';
import { Plan } from '../../src/engine/plan.ts';
import type { Run } from '../../src/engine/run.ts';
import type { Stage } from '../../src/engine/stage.ts';
import { asksHosts, modes, OPERATIONS, type HostMode, type Mode } from '../../src/operations/index.ts';
import type { Ended, OnHosts, Operation, Task } from '../../src/operations/operation.ts';
import { CUT, matrixOf, planOf, step } from '../report/alice.ts';
import { BARE, says } from '../support/lines.ts';

const ALL = Object.keys(OPERATIONS) as Mode[];
const ON_HOSTS = ALL.filter(asksHosts);
const of = (mode: Mode): Operation => OPERATIONS[mode];
const onHosts = (mode: HostMode): OnHosts => OPERATIONS[mode];

describe('the operations', () => {
  test('are offered only where they can be used', () => {
    expect(modes(({ offered }) => offered !== 'to jobs')).toEqual(['apply', 'plan', 'verify', 'check']);
    expect(modes(({ offered }) => offered === 'to workflows')).toEqual(['apply', 'plan']);
    expect(ON_HOSTS).toEqual(['apply', 'plan', 'verify', 'snapshot', 'unlock']);
  });

  test.each(ALL)('%s says what it does in both languages, without a full stop', (mode) => {
    const { does, action } = of(mode);
    for (const { english, chinese } of [does, ...(action ? [action.brings] : [])]) {
      expect(english).toMatch(/^\S.+[^.\s]$/);
      expect(chinese).toMatch(/\p{Script=Han}.*[^。\s]$/u);
    }
  });

  test.each(ON_HOSTS)('%s takes secrets for changes, and outputs of stages, only if it changes hosts', (mode) => {
    const { changes, secrets, takes, leaves, shows } = onHosts(mode);
    expect([secrets === 'to change', takes === 'outputs and snapshots']).toEqual([changes, changes]);
    expect([leaves === 'outputs and a snapshot', shows === 'a plan and changes']).toEqual([changes, changes]);
  });
});

const proving = (healthy: boolean): Plan =>
  Object.assign(new Plan(), { proof: healthy ? matrixOf() : matrixOf({ node: 'Down' }) });
const stageOf = (name: string, plan: () => Plan): Stage => ({
  name,
  purpose: '',
  needs: [],
  settleMs: 0,
  plan: () => Promise.resolve(plan()),
});

/** Runs the operation with these stages. Returns the codes of its failures, what it saved and what it reported. */
async function done(mode: HostMode, stages: readonly Stage[], parts: Partial<Run> = {}) {
  const saved: string[] = [];
  const told: string[] = [];
  const save = (what: string) => (): Promise<void> => Promise.resolve(void saved.push(what));
  const task: Task = {
    domain: 'alice',
    stages,
    all: stages,
    run: {
      fleet: { run: () => Promise.reject(new Error('no host is asked')) },
      emit: ({ is }) => void told.push(is),
      words: BARE,
      ...parts,
    },
    save: { plan: save('plan'), outputs: save('outputs'), snapshot: save('snapshot') },
    releaseLock: () => Promise.resolve(60),
    say: (line) => void told.push(line),
  };
  const failures = await onHosts(mode).run(task);
  return { codes: failures.map(({ code }) => code), saved, told };
}

describe('an operation', () => {
  const proof = (healthy: boolean): Stage => stageOf('verify', () => proving(healthy));
  const LATER = { host: 'node-02', ...says('join', 'no swarm yet') };
  const undecided = stageOf('swarm-join', () => planOf({ later: [LATER] }));
  const missing = stageOf('swarm-init', () => planOf({ steps: [step('node-01', '+', 'initialise', 'absent')] }));
  const stuck = stageOf('swarm-init', () => planOf({ failures: [CUT] }));

  test.each<[HostMode, string, readonly Stage[], readonly string[], readonly string[]]>([
    ['apply', 'a healthy proof', [proof(true)], [], ['outputs']],
    ['apply', 'an unhealthy proof', [proof(false)], ['cluster-unhealthy'], []],
    ['apply', 'what could not be checked at its end', [undecided, proof(true)], ['fact-unknown'], []],
    ['apply', 'stages without the proof', [stageOf('swarm-init', () => new Plan())], [], ['outputs']],
    ['plan', 'what is missing', [missing, proof(false)], [], ['plan']],
    ['plan', 'what cannot continue', [stuck], [CUT.code], []],
    ['verify', 'a healthy proof', [proof(true)], [], []],
    ['verify', 'an unhealthy proof', [proof(false)], ['cluster-unhealthy'], []],
    ['verify', 'no proof', [stageOf('verify', () => new Plan())], ['cluster-unhealthy'], []],
    ['verify', 'what is missing', [missing], ['fact-unknown'], []],
    ['snapshot', 'what cannot continue', [stuck], [], ['snapshot']],
  ])('%s succeeds or fails with %s', async (mode, _, stages, codes, saved) => {
    expect(await done(mode, stages)).toMatchObject({ codes, saved });
  });

  test('apply compares the approved plan in the job of the first stage, under the lock, before it changes anything', async () => {
    const asked: string[] = [];
    const permit = (): Promise<'as planned'> => {
      asked.push('lock');
      return Promise.resolve('as planned');
    };
    const approved = [{ stage: 'swarm-join', host: 'node-02', change: '+' as const, about: says('join', '').about }];
    const first = stageOf('preflight', () => new Plan());
    const { codes, saved, told } = await done('apply', [first, missing, proof(true)], { permit, approved });
    expect({ codes, saved, asked, told }).toEqual({ codes: ['plan-moved'], saved: [], asked: ['lock'], told: [] });
  });

  test('unlock only releases', async () => {
    expect(await done('unlock', [stuck])).toEqual({
      codes: [],
      saved: [],
      told: ['alice: the lock of this run expires in 60 s'],
    });
  });
});

describe('the last line', () => {
  const ended = (more: Partial<Ended> = {}): Ended => ({
    domain: 'alice',
    saved: 0,
    account: ['2 changes'],
    works: [],
    ...more,
  });
  const proof = { healthy: true, verdict: 'alice is healthy' };
  const red = { healthy: false, verdict: 'alice is not healthy' };
  const works = ['What still works in alice: all.'];

  test.each<[HostMode, Ended, readonly unknown[]]>([
    ['apply', ended({ proof }), ['2 changes', 'alice is healthy']],
    ['apply', ended({ findings: '1 finding', proof }), ['2 changes']],
    ['apply', ended({ findings: '1 finding', proof: red }), ['2 changes', 'alice is not healthy']],
    ['apply', ended({ findings: '1 finding', works }), ['2 changes', ...works]],
    ['plan', ended(), ['Nothing was changed (mode: plan).']],
    ['plan', ended({ findings: '2 findings', works }), [expect.stringContaining('; 2 findings must'), ...works]],
    ['verify', ended({ findings: '1 finding', proof: red }), ['alice is not healthy']],
    ['verify', ended({ findings: '1 finding' }), [expect.stringContaining('is unknown')]],
    ['snapshot', ended({ saved: 1 }), [expect.stringContaining('were sealed and handed over; nothing was changed')]],
    ['snapshot', ended(), [expect.stringMatching(/^Nothing was handed over/)]],
    ['unlock', ended(), ['Nothing was changed except the lock (mode: unlock).']],
  ])('of %s says what is true now (%#)', (mode, given, lines) => {
    expect(onHosts(mode).closing(given)).toEqual(lines);
  });
});
