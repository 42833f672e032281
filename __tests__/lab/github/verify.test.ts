import { beforeAll, describe, expect, test } from '@jest/globals';
import { exec } from '../../../lab/lab.ts';
import { action, DATABASE_PASSWORD } from '../deployment/action.ts';
import { seenOn } from '../deployment/seen.ts';
import {
  called,
  clusterFile,
  freshCaller,
  hiddenForms,
  onGithub,
  openedArtifacts,
  places,
  results,
  template,
} from './caller.ts';

freshCaller();

const REPLICA = 'root-kuscia-autonomy-alice';

describe('nightly verification', () => {
  beforeAll(async () => {
    expect((await action(clusterFile())).code).toBe(0);
  }, 200_000);

  const verified = async (run: number): Promise<Record<string, string>> =>
    results(await called(template('verify'), { event: 'schedule', run }));
  const issues = (): { open: number; closed: number } => ({
    open: onGithub().issues.filter(({ state }) => state === 'open').length,
    closed: onGithub().issues.filter(({ state }) => state === 'closed').length,
  });

  test('of a healthy cluster opens no issue', async () => {
    expect(await verified(31)).toEqual({ check: 'success', verify: 'success', report: 'success' });
    expect(issues()).toEqual({ open: 0, closed: 0 });
  }, 120_000);

  test('fails when a replica was killed, names it, and opens one issue', async () => {
    expect((await exec('node-03', ['docker', 'kill', REPLICA])).code).toBe(0);
    // A log that holds a secret of the run, as a careless program writes it.
    await seenOn(
      'node-01',
      `docker exec alice-nginx-lb sh -c 'echo "leaked $1 $(printf %s "$1" | base64)" >/proc/1/fd/2' sh '${DATABASE_PASSWORD}'`,
    );
    expect(await verified(32)).toEqual({ check: 'success', verify: 'failure', report: 'success' });
    expect(issues()).toEqual({ open: 1, closed: 0 });
    const [issue] = onGithub().issues;
    expect(issue?.title).toContain('alice');
    expect(issue?.body).toContain('node-03');
    expect(issue?.body).toContain('KS-1601');
  }, 120_000);

  test('updates the same issue when repeated', async () => {
    expect(await verified(33)).toMatchObject({ verify: 'failure', report: 'success' });
    expect(issues()).toEqual({ open: 1, closed: 0 });
    expect(onGithub().comments).toEqual([]);
  }, 120_000);

  test('keeps the logs of the hosts, sealed with the key', async () => {
    const kept = await openedArtifacts();
    expect(
      kept.map(({ path, kind }) => [
        path
          .replace(/^.*\/artifacts\//, '')
          .replace(/\d{13}/, 'TIME')
          .replaceAll(/\.verify\.[0-9a-f]{8}-/g, '.verify.CALL-'),
        kind,
      ]),
    ).toEqual(
      ['32', '33'].map((run) => [
        `${run}/kuscia-swarm.alice.verify.CALL-logs.1.verify.verify/kuscia-swarm.alice.verify.CALL-logs.1.verify.verify.zip: logs.TIME.age`,
        'logs',
      ]),
    );
    for (const { content } of kept) {
      expect(content).toMatch(new RegExp(`===== node-03: docker inspect ${REPLICA}\n.*"ExitCode":137`));
      expect(content).toMatch(/===== node-01: docker logs alice-nginx-lb\n[^]* leaked \*\*\* \*\*\*\n/);
    }
  });

  test('succeeds once the fault is fixed, and the issue is closed', async () => {
    expect((await action(clusterFile())).code).toBe(0);
    expect(await verified(34)).toEqual({ check: 'success', verify: 'success', report: 'success' });
    expect(issues()).toEqual({ open: 0, closed: 1 });
  }, 240_000);

  test('has exposed no secret in any log, summary, output, artifact or kept log', async () => {
    expect(await places(await hiddenForms())).toEqual([]);
    expect(await places(['cluster-unhealthy'])).toHaveLength(2);
    expect(await places(['docker logs alice-nginx-lb'])).toContainEqual(
      expect.stringMatching(/logs\.\d+\.age, opened$/),
    );
  });
});
