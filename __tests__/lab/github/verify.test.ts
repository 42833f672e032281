import { beforeAll, describe, expect, test } from '@jest/globals';
import { exec } from '../../../lab/lab.ts';
import { action } from '../deployment/action.ts';
import { called, clusterFile, freshCaller, onGithub, results, template } from './caller.ts';

freshCaller();

const REPLICA = 'root-kuscia-autonomy-alice';

describe('nightly verification', () => {
  beforeAll(async () => {
    expect((await action(clusterFile())).code).toBe(0);
  }, 200_000);

  const verified = async (run: number): Promise<Record<string, string>> => results(await called(template('verify'), { event: 'schedule', run }));
  const issues = (): { open: number; closed: number } => ({ open: onGithub().issues.filter(({ state }) => state === 'open').length, closed: onGithub().issues.filter(({ state }) => state === 'closed').length });

  test('of a healthy cluster opens nothing', async () => {
    expect(await verified(31)).toEqual({ check: 'success', verify: 'success', report: 'success' });
    expect(issues()).toEqual({ open: 0, closed: 0 });
  }, 120_000);

  test('is red when a replica was killed, names it, and opens one issue', async () => {
    expect((await exec('node-03', ['docker', 'kill', REPLICA])).code).toBe(0);
    expect(await verified(32)).toEqual({ check: 'success', verify: 'failure', report: 'success' });
    expect(issues()).toEqual({ open: 1, closed: 0 });
    const [issue] = onGithub().issues;
    expect(issue?.title).toContain('alice');
    expect(issue?.body).toContain('node-03');
    expect(issue?.body).toContain('KS-1601');
  }, 120_000);

  test('again says so in the same issue', async () => {
    expect(await verified(33)).toMatchObject({ verify: 'failure', report: 'success' });
    expect(issues()).toEqual({ open: 1, closed: 0 });
    expect(onGithub().comments).toEqual([]);
  }, 120_000);

  test('mended is green, and the issue is closed', async () => {
    expect((await action(clusterFile())).code).toBe(0);
    expect(await verified(34)).toEqual({ check: 'success', verify: 'success', report: 'success' });
    expect(issues()).toEqual({ open: 0, closed: 1 });
  }, 240_000);
});
