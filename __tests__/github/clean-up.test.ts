import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openScene, RUN_ID, type Scene, type Told } from './scene.ts';

let scene: Scene;
beforeEach(async () => {
  scene = await openScene();
  for (const name of [
    'kuscia-swarm.alice.1.tokens',
    'kuscia-swarm.alice.2.tokens',
    'kuscia-swarm.bob.1.tokens',
    'mine',
  ])
    scene.api.state.addArtifact(name, RUN_ID);
  scene.api.state.addArtifact('kuscia-swarm.alice.1.other-run', RUN_ID + 1);
  scene.api.state.addArtifact('kuscia-swarm.alice.1.expired', RUN_ID, true);
});
afterEach(() => scene.api.close());

const cleanUp = (prefix = 'kuscia-swarm.alice.'): Promise<Told> =>
  scene.run({ INPUT_DO: 'clean-up', INPUT_PREFIX: prefix });
const left = (): string[] => scene.api.state.artifacts.map(({ name }) => name);
const OTHERS = ['kuscia-swarm.bob.1.tokens', 'mine', 'kuscia-swarm.alice.1.other-run', 'kuscia-swarm.alice.1.expired'];

test('deletes the artifacts of this run that begin with the prefix, and nothing else', async () => {
  const { code, log, outputs, notices } = await cleanUp();
  expect({ code, log, outputs, notices }).toEqual({
    code: 0,
    log: 'deleted kuscia-swarm.alice.1.tokens, kuscia-swarm.alice.2.tokens\n',
    outputs: { deleted: '2' },
    notices: [],
  });
  expect(left()).toEqual(OTHERS);
});

test('has nothing to do a second time', async () => {
  await cleanUp();
  expect(await cleanUp()).toMatchObject({
    code: 0,
    log: 'no artifact was deleted (prefix kuscia-swarm.alice.)\n',
    outputs: { deleted: '0' },
  });
});

test('refuses an empty prefix, instead of deleting everything', async () => {
  const { code, errors } = await cleanUp(' ');
  expect(code).toBe(1);
  expect(errors.join()).toContain('input prefix is missing');
  expect(left()).toHaveLength(6);
});

describe('without the permission', () => {
  test.each(['none', 'read'] as const)('(actions: %s) says so, keeps them, and does not fail', async (permission) => {
    scene.api.state.permissions.actions = permission;
    const { code, notices, outputs } = await cleanUp();
    expect({ code, outputs }).toEqual({ code: 0, outputs: { deleted: '0' } });
    expect(notices).toEqual([
      expect.stringMatching(
        /^The artifacts of this run with the prefix kuscia-swarm\.alice\. could not be deleted: .*Resource not accessible by integration.*Give the job the permission actions: write.*expire after a day\.$/,
      ),
    ]);
    expect(left()).toHaveLength(6);
  });

  test('in a private repository, which looks as if they did not exist, the same', async () => {
    scene.api.fault({
      when: ({ method }) => method === 'DELETE',
      then: { status: 404, body: { message: 'Not Found' } },
      times: 9,
    });
    const { code, notices } = await cleanUp();
    expect([code, notices.length]).toEqual([0, 1]);
  });
});

test('one deleted meanwhile by someone else is not an error', async () => {
  scene.api.fault({
    when: ({ method }) => method === 'DELETE' && scene.api.state.artifacts.shift() !== undefined,
    then: { status: 404, body: { message: 'Not Found' } },
  });
  const { code, notices, outputs } = await cleanUp();
  expect({ code, notices, outputs }).toEqual({ code: 0, notices: [], outputs: { deleted: '1' } });
  expect(left()).toEqual(OTHERS);
});

test('one whose deletion succeeded without an answer counts as deleted', async () => {
  scene.api.fault({ when: ({ method }) => method === 'DELETE', then: 'lost-after' });
  expect((await cleanUp()).code).toBe(0);
  expect(left()).toEqual(OTHERS);
});

test.each<[string, Parameters<Scene['api']['fault']>[0]['then'], string]>([
  ['refuses for another reason', { status: 409, body: { message: 'Conflict' } }, '409'],
  ['fails by itself', { status: 502, body: { message: 'Bad Gateway' } }, '502'],
  ['does not answer', 'lost-before', 'does not respond'],
])('if GitHub %s, it warns and does not fail', async (_, then, words) => {
  scene.api.fault({ when: ({ method }) => method === 'DELETE', then, times: 99 });
  const { code, errors, warnings, outputs } = await cleanUp();
  expect({ code, errors, outputs }).toEqual({ code: 0, errors: [], outputs: { deleted: '0' } });
  expect(warnings).toEqual([
    expect.stringMatching(
      /^The artifacts of this run with the prefix kuscia-swarm\.alice\. could not be deleted: .*expire after a day\.$/,
    ),
  ]);
  expect(warnings.join()).toContain(words);
  expect(left()).toHaveLength(6);
});
