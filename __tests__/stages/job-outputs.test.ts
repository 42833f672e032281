import { describe, expect, test } from '@jest/globals';
import { readProvenance, type JobOutput } from '../../src/cluster/job-outputs.ts';
import { folders } from '../../src/cluster/folders.ts';
import { imageIdentity } from '../../src/docker/facts.ts';
import type { Command } from '../../src/engine/command.ts';
import { asker } from '../../src/engine/asker.ts';
import { failuresOf } from '../../src/engine/errors.ts';
import { openFile } from '../../src/host/files.ts';
import { hashScript } from '../../src/kuscia/commands.ts';
import { readJobOutputs } from '../../src/stages/job-outputs.ts';
import { kusciaInit } from '../../src/stages/kuscia-init.ts';
import { clusterOf, deploymentOf } from '../support/deployment.ts';
import { imageId } from '../support/facts.ts';
import { ends, FakeFleet, ok, type Script } from '../support/fake.ts';

const cluster = clusterOf();
const SCRIPT = 'f'.repeat(64);
const CONFIGURATION = ok(
  'node-02',
  openFile(folders(cluster).config, 'c').command,
  `600 1.000\n${'c'.repeat(64)}  -\nmode: autonomy\n`,
);
const IMAGE = ok(
  'node-02',
  imageIdentity(cluster.image).command,
  `${JSON.stringify({ Id: imageId('a'), RepoDigests: ['secretflow/kuscia@sha256:one'] })}\n`,
);

function handed(...scripts: readonly Script[]): Promise<JobOutput[]> {
  const fleet = new FakeFleet(scripts);
  const run = async (host: string, command: Command): Promise<string> => {
    expect(command.purpose).toBe('read kuscia.sh in the image');
    return (await fleet.run(host, command)).stdout;
  };
  return readJobOutputs(
    [kusciaInit],
    deploymentOf(),
    { ...asker(fleet, () => undefined), run },
    (host) => host === 'node-02',
  );
}

const failing = (...scripts: readonly Script[]): Promise<string[]> =>
  handed(...scripts).then(
    () => [],
    (thrown: unknown) => failuresOf(thrown).map(({ code, host, evidence }) => `${host} ${code}: ${evidence}`),
  );

describe('the output of kuscia-init for kuscia-start', () => {
  test('is the configuration, and what binds every host to one image and one kuscia.sh', async () => {
    const handings = await handed(CONFIGURATION, IMAGE, ok('node-02', hashScript(cluster), `${SCRIPT}  -\n`));
    expect(handings.map(({ kind }) => kind)).toEqual(['kuscia-configuration', 'provenance']);
    expect(handings[0]?.content.reveal()).toBe('mode: autonomy\n');
    expect(handings[1] && readProvenance(handings[1].content)).toEqual({
      image: { id: imageId('a'), digests: ['sha256:one'] },
      script: SCRIPT,
    });
  });

  test('always has both parts', async () => {
    expect(await failing(CONFIGURATION, ok('node-02', imageIdentity(cluster.image).command, 'absent\n'))).toEqual([
      'node-02 fact-unknown: it no longer exists',
    ]);
    expect(
      await failing(CONFIGURATION, ends('node-02', imageIdentity(cluster.image).command, { ended: 'exited', code: 1 })),
    ).toEqual([expect.stringContaining('node-02 fact-unknown: ')]);
    expect(await failing(CONFIGURATION, IMAGE, ok('node-02', hashScript(cluster), ''))).toEqual([
      expect.stringContaining('node-02 fact-unknown: '),
    ]);
    expect(await failing(IMAGE, ok('node-02', openFile(folders(cluster).config, 'c').command, 'absent\n'))).toEqual([
      'node-02 fact-unknown: it no longer exists',
    ]);
  });
});
