import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Encrypter, generateX25519Identity, identityToRecipient } from 'age-encryption';
import { writeArtifact } from '../../src/artifacts/folder.ts';
import type { Kind } from '../../src/artifacts/sealed-artifact.ts';
import { changesIn, type Change } from '../../src/engine/approved.ts';
import { failuresOf, type Failure } from '../../src/engine/errors.ts';
import { apply, plan } from '../../src/engine/runner.ts';
import { Secret } from '../../src/engine/secret.ts';
import type { Stage } from '../../src/engine/stage.ts';
import { openReceived, type Wanted } from '../../src/jobs/received.ts';
import { compareWithApproved } from '../../src/operations/apply.ts';
import { deploymentStages, STAGES, type StageName } from '../../src/stages/index.ts';
import { deploymentOf, TWO } from '../support/deployment.ts';
import { FakeFleet } from '../support/fake.ts';
import { initialConfiguration } from '../support/key.ts';
import { tape, type Moment } from '../support/tape.ts';
import { PLAN_WORDS } from '../../src/report/words.ts';

/** Stages that change something, each in its own job. */
const CHANGING = STAGES.filter((stage) => !['preflight', 'verify'].includes(stage));

const deployment = deploymentOf({ hosts: TWO });
const stages = deploymentStages(deployment);
const key = new Secret('seal key', await generateX25519Identity());
const stageOf = (name: StageName): Stage => stages.filter((stage) => stage.name === name)[0] as Stage;
const runOn = (moment: Moment, approved?: readonly Change[]) => ({
  fleet: new FakeFleet(tape(moment)),
  emit: () => undefined,
  words: PLAN_WORDS,
  ...(approved && { approved }),
});

/** The changes that were due at that moment. */
const approvedAt = async (moment: Moment): Promise<Change[]> =>
  changesIn(await plan(stages.slice(0, -1), runOn(moment)));

/**
 * The failures of the stage's job at that moment, given these approved changes. Any command that the tape does not
 * know, and so any change, fails the test.
 */
const jobOf = (name: StageName, moment: Moment, approved: readonly Change[]): Promise<readonly Failure[]> =>
  apply([stageOf(name)], runOn(moment, approved)).then(() => [], failuresOf);

const NOT_APPROVED = expect.stringMatching(/is not in the approved plan, so it was not done$/);

describe('a job after the approval', () => {
  // An empty plan was approved; then everything was removed from the hosts.
  test.each(CHANGING)(
    '%s changes nothing on hosts that have changed since, and names what it would have done',
    async (name) => {
      const failures = await jobOf(name, 'empty', await approvedAt('settled'));
      expect(failures.length).toBeGreaterThan(0);
      for (const { code, what } of failures) expect([code, what]).toEqual(['plan-moved', NOT_APPROVED]);
      expect(failures.every(({ what }) => what.startsWith(`${name}: "`))).toBe(true);
    },
  );

  test('preflight, which compares the whole plan, reports the changes of all stages, and none if nothing has changed', async () => {
    const moved = await compareWithApproved(await approvedAt('settled'), stages, runOn('empty'));
    expect(moved.map(({ code }) => code)).toEqual(['plan-moved']);
    for (const name of CHANGING) expect(moved[0]?.evidence).toContain(`now also: ${name} node-0`);
    expect(await compareWithApproved(await approvedAt('empty'), stages, runOn('empty'))).toEqual([]);
  });

  test.each(CHANGING)('%s rejects nothing if the hosts have not changed', async (name) => {
    expect(await jobOf(name, 'settled', await approvedAt('settled'))).toEqual([]);
  });

  const making = ['mysql-up', 'kuscia-init', 'kuscia-start', 'nginx-lb'] as const;

  test.each(making)('%s uses no image other than the approved one, even if its tag has moved since', async (name) => {
    // The hosts of the tape have the images already; other ones were approved.
    const others = (await approvedAt('empty')).map((each) => ({
      ...each,
      ...(each.image && { image: ['sha256:approved'] }),
    }));
    const failures = await jobOf(name, 'empty', others);
    expect(failures.map(({ code }) => code)).toContain('plan-moved');
    for (const { what, evidence } of failures)
      expect([what, evidence]).toEqual([
        NOT_APPROVED,
        expect.stringMatching(/^another image: sha256:[0-9a-f]{64}, not sha256:approved$/),
      ]);
  });
});

describe('a job whose artifacts were changed by someone else', () => {
  const origin: Wanted['job']['origin'] = {
    domain: 'alice',
    repository: 'acme/clusters',
    run: '7',
    call: 'kuscia-swarm.alice.deploy.1a2b3c4d',
    attempt: 1,
  };
  const CONTENTS: Readonly<Partial<Record<Kind, string>>> = {
    plan: '{"changes":[]}',
    'kuscia-configuration': initialConfiguration(),
    provenance: JSON.stringify({ image: { id: 'sha256:a', digests: [] }, script: 'f'.repeat(64) }),
  };
  let folder = '';
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'approved-'));
    const put = (kind: Kind, content: string, made: number, changes = {}): Promise<string> =>
      writeArtifact(
        folder,
        { kind, host: '', origin: { ...origin, ...changes }, made, content: new Secret(kind, content) },
        key,
      );
    for (const [kind, content] of Object.entries(CONTENTS)) await put(kind as Kind, content, Date.now());
    const encrypter = new Encrypter();
    encrypter.addRecipient(await identityToRecipient(key.reveal()));
    const made = Date.now() + 60_000;
    const content = JSON.stringify({ changes: await approvedAt('empty') });
    await writeFile(
      join(folder, `plan.${made}.age`),
      await encrypter.encrypt(
        JSON.stringify({ format: 2, kind: 'plan', host: '', origin, made, content, proof: 'f'.repeat(64) }),
      ),
    );
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test.each(STAGES.filter((stage) => stage !== 'verify'))(
    '%s rejects a plan sealed with only the public key, even if it is newer than the approved one',
    async (stage) => {
      const job: Wanted['job'] = { reaches: TWO.map(({ name }) => name), origin, artifacts: { key, received: folder } };
      const wanted: Wanted = { takes: 'outputs and snapshots', stages: [stage], cluster: deployment.cluster, job };
      const failures = await openReceived(wanted).then(() => [], failuresOf);
      expect(failures.map(({ code, what }) => [code, what])).toEqual([
        ['artifact-forged', expect.stringMatching(/^plan\.\d+\.age was not sealed by a job of this run$/)],
      ]);
    },
  );

  test('a job whose artifacts could not be downloaded says so, whichever of them exist', async () => {
    const job: Wanted['job'] = {
      reaches: TWO.map(({ name }) => name),
      origin,
      artifacts: { key, received: folder, unfetched: true },
    };
    const wanted: Wanted = { takes: 'outputs and snapshots', stages: ['mysql-up'], cluster: deployment.cluster, job };
    expect(await openReceived(wanted).then(() => [], failuresOf)).toMatchObject([
      { code: 'artifact-missing', what: 'the artifacts of earlier jobs could not be downloaded' },
    ]);
    // Over SSH the proof needs none of them.
    expect(await openReceived({ ...wanted, stages: ['verify'] }).then(() => [], failuresOf)).toEqual([]);
  });
});
