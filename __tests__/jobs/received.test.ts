import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { generateX25519Identity } from 'age-encryption';
import { writeArtifact } from '../../src/artifacts/folder.ts';
import type { Kind } from '../../src/artifacts/sealed-artifact.ts';
import { failuresOf } from '../../src/engine/errors.ts';
import { Secret } from '../../src/engine/secret.ts';
import { openReceived, type Wanted } from '../../src/jobs/received.ts';
import { STAGES, type StageName } from '../../src/stages/index.ts';
import { deploymentOf } from '../support/deployment.ts';
import { initialConfiguration, KEY } from '../support/key.ts';

const key = new Secret('seal key', await generateX25519Identity());
const origin: Wanted['job']['origin'] = {
  domain: 'alice',
  repository: 'acme/clusters',
  run: '7',
  call: 'kuscia-swarm.alice.deploy.1a2b3c4d',
  attempt: 1,
};
const CONTENTS: Readonly<Partial<Record<Kind, string>>> = {
  'join-tokens': JSON.stringify({ manager: 'of-managers', worker: 'of-workers' }),
  'kuscia-configuration': initialConfiguration(),
  provenance: JSON.stringify({ image: { id: 'sha256:a', digests: [] }, script: 'f'.repeat(64) }),
  plan: '{"changes":[]}',
};

let folder = '';
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'received-'))));
afterEach(() => rmSync(folder, { recursive: true }));

/** The artifacts that the job of that stage takes if these kinds exist. */
async function received(stage: StageName, kinds: readonly Kind[]) {
  for (const kind of kinds)
    await writeArtifact(
      folder,
      { kind, host: '', origin, made: 1_000, content: new Secret(kind, CONTENTS[kind] ?? '') },
      key,
    );
  const { cluster } = deploymentOf();
  return openReceived({
    takes: 'outputs and snapshots',
    stages: [stage],
    cluster,
    job: { reaches: cluster.hosts.map(({ name }) => name), origin, artifacts: { key, received: folder } },
  });
}

const MISSED: readonly {
  readonly stage: StageName;
  readonly handed: readonly Kind[];
  readonly missed: readonly string[];
}[] = [
  { stage: 'kuscia-start', handed: [], missed: ['plan', 'kuscia-configuration', 'provenance'] },
  { stage: 'kuscia-start', handed: ['plan', 'kuscia-configuration'], missed: ['provenance'] },
  { stage: 'kuscia-start', handed: ['provenance', 'plan', 'join-tokens'], missed: ['kuscia-configuration'] },
  { stage: 'kuscia-start', handed: ['kuscia-configuration', 'provenance'], missed: ['plan'] },
  { stage: 'kuscia-start', handed: ['plan', 'kuscia-configuration', 'provenance'], missed: [] },
  // Every stage that changes something must follow the plan.
  ...STAGES.filter((stage) => !['kuscia-start', 'verify'].includes(stage)).map((stage) => ({
    stage,
    handed: [],
    missed: ['plan'],
  })),
  // Tokens are passed on only while a host is outside the swarm.
  { stage: 'swarm-join', handed: ['plan'], missed: [] },
  { stage: 'verify', handed: [], missed: [] },
];

describe('an artifact of an earlier job', () => {
  test.each(MISSED)('is reported by name if missing: $stage, given $handed', async ({ stage, handed, missed }) => {
    const failures = await received(stage, handed).then(() => [], failuresOf);
    expect(failures.map(({ code, what }) => `${code}: ${what}`)).toEqual(
      missed.map((kind) => `artifact-missing: no earlier job provided the ${kind}`),
    );
  });

  test('is reported with the job that provides it if missing', async () => {
    const failures = await received('kuscia-start', []).then(() => [], failuresOf);
    expect(failures.map(({ remedy }) => /^Run the job ([a-z-]+) /.exec(remedy)?.[1])).toEqual([
      'plan',
      'kuscia-init',
      'kuscia-init',
    ]);
  });

  test('is masked in the job that opened it', async () => {
    const secrets = [
      ...(await received('swarm-join', ['plan', 'join-tokens'])).secrets,
      ...(await received('kuscia-start', ['plan', 'kuscia-configuration', 'provenance'])).secrets,
    ];
    expect(secrets.map((secret) => secret.reveal())).toEqual(['of-managers', 'of-workers', KEY.secret]);
  });
});
