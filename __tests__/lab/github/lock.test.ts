import { describe, expect, test } from '@jest/globals';
import { readable, type WorkflowEnd } from '../../../lab/github/workflow.ts';
import { leaseOn, seenOn } from '../deployment/seen.ts';
import { called, errors, freshCaller, outputs, results, template } from './caller.ts';

freshCaller();

const OTHER = 'acme/site/9#1';
const SHOWN = `the lock of ${OTHER} (nightly by bob: https://github.com/acme/site/actions/runs/9), held for `;

/** Puts the lease of a run of another repository there, for so many seconds. */
const heldFor = (seconds: number): Promise<string> =>
  seenOn(
    'node-01',
    `mkdir -p -m 2770 /run/lock/kuscia-swarm && printf '%s\\n' '${OTHER}' $(($(date +%s) + ${seconds})) $(date +%s) 'nightly by bob: https://github.com/acme/site/actions/runs/9' >/run/lock/kuscia-swarm/alice.lease`,
  );

/** The workflow to copy, with more inputs. */
const deploy = (run: number, inputs: Readonly<Record<string, string>>): Promise<WorkflowEnd> => {
  const lines = Object.entries(inputs)
    .map(([name, value]) => `      ${name}: '${value}'\n`)
    .join('');
  return called(template('deploy').replace(/^ {6}domain: alice.*\n/m, `$&${lines}`), {
    inputs: { mode: 'apply' },
    run,
  });
};

describe('a workflow whose domain another run is changing', () => {
  test('says so if it must not wait, and changes nothing', async () => {
    await heldFor(600);
    const end = await deploy(51, { 'lock-wait': '0' });
    expect([end.code, results(end)['preflight'], errors(end)]).toEqual([1, 'failure', ['KS-1112 lock-held']]);
    for (const words of [SHOWN, 'its lock expires in ', `break-lock: ${OTHER}`])
      expect(readable(end.log)).toContain(words);
    expect(outputs(end, 'changed')['swarm-init']).toBeUndefined();
    expect([
      await seenOn('node-01', `docker info --format '{{.Swarm.LocalNodeState}}'`),
      (await leaseOn('node-01')).holder,
    ]).toEqual(['inactive', OTHER]);
  }, 90_000);

  test('waits for it, shows which run it waits for, and then deploys', async () => {
    await heldFor(40);
    const end = await deploy(52, { 'lock-wait': '2' });
    expect([end.code, results(end)['verify']]).toEqual([0, 'success']);
    expect(readable(end.log)).toContain(`waiting for ${SHOWN}`);
    expect((await leaseOn('node-01')).holder).toBe('');
  }, 240_000);

  test('breaks the lock with the given id, and leaves none', async () => {
    await heldFor(600);
    const end = await deploy(53, { 'lock-wait': '0', 'break-lock': OTHER });
    expect([end.code, results(end)['verify']]).toEqual([0, 'success']);
    expect((await leaseOn('node-01')).holder).toBe('');
  }, 120_000);
});
