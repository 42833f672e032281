import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { REFUSALS } from '../support/github-api.ts';
import { openScene, type Scene, type Told } from './scene.ts';

let scene: Scene;
beforeEach(async () => {
  scene = await openScene({ permissions: { actions: 'read' } });
});
afterEach(() => scene.api.close());

const checked = (environment = 'production'): Promise<Told> =>
  scene.run({ INPUT_DO: 'approval', INPUT_ENVIRONMENT: environment });

describe('an environment for approval', () => {
  test.each([
    [1, 'one reviewer'],
    [3, 'one of 3 reviewers'],
  ])('with %d reviewers is accepted', async (reviewers, words) => {
    scene.api.state.environments.set('production', { reviewers });
    expect(await checked()).toMatchObject({
      code: 0,
      log: `the environment production requires approval by ${words}\n`,
      outputs: { reviewers: String(reviewers) },
      notices: [],
    });
  });

  test.each<[string, { reviewers?: number }]>([
    ['without the rule, as created by GitHub for a mistyped name', {}],
    ['whose rule names nobody', { reviewers: 0 }],
  ])('%s is refused by name', async (_, environment) => {
    scene.api.state.environments.set('prodution', environment);
    const { code, errors, outputs } = await checked('prodution');
    expect([code, outputs]).toEqual([1, {}]);
    expect(errors.join()).toMatch(
      /KS-1803 approval-unguarded: the environment prodution has no required reviewers\n[^]*Correct the input environment/,
    );
  });

  test.each<[string, () => void]>([
    ['the permission is missing', () => void (scene.api.state.permissions.actions = 'none')],
    ['it looks as if it did not exist', () => undefined],
  ])('of which nothing can be seen (%s) is told of, and goes on', async (_, make) => {
    make();
    const { code, notices, outputs } = await checked();
    expect([code, outputs, notices]).toEqual([
      0,
      { reviewers: '' },
      [
        expect.stringMatching(
          /^Could not check whether the environment production requires approval: .*Give the job the permission actions: read/,
        ),
      ],
    ]);
  });

  test('is not accepted if GitHub does not answer', async () => {
    scene.api.fault({ times: 9, then: REFUSALS.serverError });
    const { code, errors } = await checked();
    expect([code, errors.join()]).toEqual([1, expect.stringContaining('KS-1802')]);
  });

  test('may have a name with a slash', async () => {
    scene.api.state.environments.set('alice/production', { reviewers: 1 });
    const { code } = await checked('alice/production');
    expect([code, scene.api.requests.map(({ path }) => path)]).toEqual([
      0,
      ['/repos/acme/clusters/environments/alice%2Fproduction'],
    ]);
  });
});
