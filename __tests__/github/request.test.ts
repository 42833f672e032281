import { describe, expect, test } from '@jest/globals';
import { DeploymentError } from '../../src/engine/errors.ts';
import { pullRequestOf, readPlace } from '../../src/github/place.ts';
import { readRequest, tokenIn } from '../../src/github/request.ts';
import { CUT, matrixOf } from '../report/alice.ts';

/** What every failure that is thrown says, one a line. */
function faults(run: () => unknown): string[] {
  try {
    run();
  } catch (thrown) {
    if (thrown instanceof DeploymentError) return thrown.failures.map(({ code, what }) => `${code}: ${what}`);
    throw thrown;
  }
  return [];
}

const HEALTH = { INPUT_DO: 'issue', INPUT_TOKEN: 't', INPUT_DOMAIN: 'alice', INPUT_RESULT: 'failure' };
const SUCCESS = { ...HEALTH, INPUT_RESULT: 'success', INPUT_VERIFY: JSON.stringify(matrixOf()) };

describe('the request', () => {
  test('is read as given, with defaults for blank inputs', () => {
    expect(readRequest({ ...SUCCESS, INPUT_FAILURES: ' ', INPUT_LABEL: '' })).toEqual({
      do: 'issue',
      health: {
        domain: 'alice',
        result: 'success',
        failed: [],
        matrix: matrixOf(),
        failures: [],
        label: 'kuscia-swarm',
      },
    });
    expect(
      readRequest({
        ...HEALTH,
        INPUT_BEFORE: ' check=success  snapshot=failure snapshot-2=cancelled',
        INPUT_FAILURES: JSON.stringify([CUT]),
        INPUT_LABEL: ' on call ',
      }),
    ).toEqual({
      do: 'issue',
      health: {
        domain: 'alice',
        result: 'failure',
        failed: [
          { job: 'snapshot', result: 'failure' },
          { job: 'snapshot-2', result: 'cancelled' },
        ],
        failures: [CUT],
        label: 'on call',
      },
    });
    expect(readRequest({ INPUT_DO: 'clean-up', INPUT_TOKEN: 't', INPUT_PREFIX: 'kuscia-swarm.alice.' })).toEqual({
      do: 'clean-up',
      prefix: 'kuscia-swarm.alice.',
    });
  });

  test.each<[string, Record<string, string | undefined>, string[]]>([
    ['nothing', {}, ['input do is missing', 'input token is missing']],
    [
      'something else',
      { INPUT_DO: 'delete', INPUT_TOKEN: 't' },
      ['input do is not one of issue, clean-up, approval, comment'],
    ],
    [
      'no domain and no result',
      { INPUT_DO: 'issue', INPUT_TOKEN: 't' },
      ['input domain is missing', 'input result is missing'],
    ],
    [
      'a domain that would close the mark',
      { ...HEALTH, INPUT_DOMAIN: 'a --> b' },
      ['input domain is not a valid domain id'],
    ],
    [
      'an unknown result',
      { ...HEALTH, INPUT_RESULT: 'ok' },
      ['input result is not one of success, failure, cancelled, skipped'],
    ],
    [
      'invalid results of jobs',
      { ...HEALTH, INPUT_BEFORE: 'snapshot= check=ok' },
      [
        'input before contains "snapshot=", which is not NAME=RESULT (success, failure, cancelled, skipped)',
        'input before contains "check=ok", which is not NAME=RESULT (success, failure, cancelled, skipped)',
      ],
    ],
    [
      'an unproven success',
      { ...HEALTH, INPUT_RESULT: 'success' },
      ['input verify is missing: a success without the matrix proves nothing'],
    ],
    [
      'a matrix of another domain',
      { ...SUCCESS, INPUT_DOMAIN: 'bob' },
      ['input verify is about the domain alice, not bob'],
    ],
    [
      'an invalid matrix',
      { ...HEALTH, INPUT_VERIFY: 'true' },
      [
        'input verify is not an output of an action of this project: it: Invalid input: expected object, received boolean',
      ],
    ],
    [
      'a matrix that lacks a check',
      { ...HEALTH, INPUT_VERIFY: JSON.stringify({ ...matrixOf(), rows: [{ replica: 'r', host: 'h', cells: {} }] }) },
      [
        'input verify is not an output of an action of this project: rows.0.cells.direct: Invalid input: expected object, received undefined',
      ],
    ],
    [
      'failures that are not JSON',
      { ...HEALTH, INPUT_FAILURES: '[{' },
      [
        'input failures is not an output of an action of this project: it: Invalid input: expected array, received undefined',
      ],
    ],
    [
      'a failure of an unknown kind',
      { ...HEALTH, INPUT_FAILURES: '[{"code":"x","what":"y","remedy":"z"}]' },
      ['input failures is not an output of an action of this project: 0.code'],
    ],
    ['two labels', { ...HEALTH, INPUT_LABEL: 'a,b' }, ['input label contains a comma or has more than 50 characters']],
    [
      'several faults',
      { INPUT_DO: 'issue', INPUT_RESULT: 'x', INPUT_LABEL: 'a,b' },
      [
        'input token is missing',
        'input domain is missing',
        'input result is not one of success, failure, cancelled, skipped',
        'input label contains a comma or has more than 50 characters',
      ],
    ],
    ['no prefix', { INPUT_DO: 'clean-up', INPUT_TOKEN: 't', INPUT_PREFIX: '  ' }, ['input prefix is missing']],
  ])('with %s is refused, with all faults at once', (_what, env, told) => {
    // zod lists all codes.
    const found = faults(() => readRequest(env)).map((fault) => fault.replace(/(0\.code): .*/s, '$1'));
    expect(found).toEqual(told.map((text) => `input-invalid: ${text}`));
  });

  test('shows only that it has a token', () => {
    expect(tokenIn({ INPUT_TOKEN: ' ghs_x \n' })?.reveal()).toBe('ghs_x');
    expect(tokenIn({ INPUT_TOKEN: ' ' })).toBeUndefined();
  });
});

describe('the place', () => {
  const ENV = { GITHUB_REPOSITORY: 'acme/clusters', GITHUB_RUN_ID: '4711' };

  test('is read from the variables of GitHub, by default github.com', () => {
    expect(readPlace(ENV)).toEqual({
      owner: 'acme',
      repo: 'clusters',
      apiUrl: 'https://api.github.com',
      server: 'github.com',
      runId: 4711,
      attempt: 1,
      runUrl: 'https://github.com/acme/clusters/actions/runs/4711',
    });
    expect(
      readPlace({
        ...ENV,
        GITHUB_API_URL: 'https://ghes.acme.example:8443/api/v3',
        GITHUB_SERVER_URL: 'https://ghes.acme.example:8443',
        GITHUB_RUN_ATTEMPT: '3',
      }),
    ).toMatchObject({
      apiUrl: 'https://ghes.acme.example:8443/api/v3',
      server: 'ghes.acme.example:8443',
      attempt: 3,
      runUrl: 'https://ghes.acme.example:8443/acme/clusters/actions/runs/4711',
    });
  });

  test('is refused if GitHub did not set it, or if it could break out of a link', () => {
    expect(faults(() => readPlace({}))).toEqual([
      'input-invalid: GITHUB_REPOSITORY is not set',
      'input-invalid: GITHUB_RUN_ID is not set',
    ]);
    expect(
      faults(() => readPlace({ ...ENV, GITHUB_SERVER_URL: 'https://x) [y](z', GITHUB_API_URL: 'ftp://x' })),
    ).toEqual([
      'input-invalid: GITHUB_SERVER_URL is not a valid value',
      'input-invalid: GITHUB_API_URL is not a valid value',
    ]);
  });

  test.each(['{', '{}', '[]', 'null', '{"pull_request":null}', '{"pull_request":{"number":"1"}}'])(
    'has no pull request if the event is %p',
    (payload) => {
      expect(faults(() => pullRequestOf({ GITHUB_EVENT_NAME: 'pull_request' }, () => payload))).toEqual([
        'input-invalid: the event of this run has no pull request (GITHUB_EVENT_PATH)',
      ]);
    },
  );

  test('has no pull request if the event cannot be read', () => {
    const gone = (): string => {
      throw new Error('ENOENT');
    };
    expect(faults(() => pullRequestOf({ GITHUB_EVENT_NAME: 'pull_request' }, gone))).toEqual([
      'input-invalid: the event of this run has no pull request (GITHUB_EVENT_PATH)',
    ]);
  });

  test('has the pull request', () =>
    expect(pullRequestOf({ GITHUB_EVENT_NAME: 'pull_request' }, () => '{"pull_request":{"number":12}}')).toBe(12));
});
