import { describe, expect, test } from '@jest/globals';
import { realParts, run, type Parts } from '../src/app.ts';
import type { Matrix } from '../src/cluster/matrix.ts';
import { deploymentError } from '../src/engine/errors.ts';
import { Plan, type Note, type Step } from '../src/engine/plan.ts';
import type { Outcome } from '../src/engine/outcome.ts';
import { Secret } from '../src/engine/secret.ts';
import { stage, type Stage } from '../src/engine/stage.ts';
import type { Inputs } from '../src/inputs/read.ts';
import { ALICE, CUT, matrixOf, planOf, step } from './report/alice.ts';
import { recorder, reportOn, type Recorder } from './report/play.ts';
import { says } from './support/lines.ts';

const PASSWORD = new Secret('database password', 'correct horse');

const JOB: Inputs['job'] = {
  reaches: ALICE.hosts.map(({ name }) => name),
  runner: '"ubuntu-latest"',
  origin: {
    domain: 'alice',
    repository: 'org/deploy',
    run: '7',
    call: 'kuscia-swarm.alice.deploy.1a2b3c4d',
    attempt: 1,
  },
};

interface World {
  readonly mode?: Inputs['mode'];
  readonly stages?: Inputs['stages'];
  /** What verify finds. */
  readonly matrix?: Matrix;
  readonly parts?: Partial<Parts>;
  readonly signal?: AbortSignal;
  /** The answers of the first manager to the commands of the lock. */
  readonly lock?: (purpose: string) => string | undefined;
  readonly joinLater?: Note;
  readonly joinStep?: (state: State) => Step;
}

/** The resulting state of the fake hosts. */
interface State {
  initialised: boolean;
  joined: boolean;
  connected: boolean;
  closed: boolean;
  /** The commands to run before the connections are closed. */
  readonly last: string[];
}

interface Ran {
  readonly code: number;
  readonly face: Recorder;
  readonly state: State;
}

const told = (stdout: string): Outcome => ({ ended: 'exited', code: 0, stdout, stderr: '' });

async function ran(world: World = {}): Promise<Ran> {
  const state: State = { initialised: false, joined: false, connected: false, closed: false, last: [] };
  const face = recorder();
  const code = await run(
    { ...partsFor(world, state), ...world.parts },
    reportOn(face),
    world.signal ?? new AbortController().signal,
  );
  return { code, face, state };
}

function partsFor(world: World, state: State): Parts {
  return {
    readRequest: (hide) => {
      hide([PASSWORD]);
      const stages = world.stages ?? (world.mode === 'verify' ? ['verify'] : ['swarm-init', 'swarm-join', 'verify']);
      return Promise.resolve({
        mode: world.mode ?? 'apply',
        stages,
        deployment: {
          cluster: ALICE,
          secrets: { databasePassword: PASSWORD },
          repair: false,
          upgradesDatabase: false,
          taskWaitMs: 0,
        },
        login: {},
        job: JOB,
        lock: { holder: { id: 'org/deploy/7#1', about: 'nightly by ada' }, waitMs: 0 },
      });
    },
    openFleet: () => ({
      notes: ['known hosts: line 3 is passed over'],
      run: (_, { purpose }) =>
        Promise.resolve(told(world.lock?.(purpose) ?? (purpose === 'take the lock' ? 'taken 9999' : 'shared'))),
      last: (_, { purpose, args }) => void state.last.push(`${purpose} in ${args[6] ?? ''} s`),
      connect: () => Promise.resolve(new Map<string, never[]>(void (state.connected = true))),
      connectAll: () => Promise.resolve(),
      close: () => Promise.resolve(void (state.closed = true)),
    }),
    stagesOf: () => [
      missing(
        'swarm-init',
        () => state.initialised,
        step('node-01', '+', 'initialise swarm', 'not in any swarm', () =>
          Promise.resolve(void (state.initialised = true)),
        ),
      ),
      missing(
        'swarm-join',
        () => state.joined,
        world.joinStep?.(state) ??
          step('node-02', '+', 'join', 'not in any swarm', () => Promise.resolve(void (state.joined = true))),
        world.joinLater,
      ),
      stage({
        name: 'verify',
        purpose: 'proof',
        needs: [],
        settleMs: 0,
        gather: () => Promise.resolve(),
        plan: () => verification(state, world.matrix),
      }),
    ],
  };
}

const missing = (name: string, there: () => boolean, what: Step, later?: Note): Stage =>
  stage({
    name,
    purpose: name,
    needs: [],
    settleMs: 0,
    gather: () => Promise.resolve(),
    plan: () => planOf({ steps: there() || later ? [] : [what], later: later ? [later] : [] }),
  });

function verification(state: State, matrix: Matrix = matrixOf(state.joined ? {} : { direct: 'no answer' })): Plan {
  const failure = { code: 'cluster-unhealthy', what: 'a check is not ok', remedy: 'Apply.' } as const;
  const plan = planOf({
    awaited: matrix.healthy ? [] : [{ host: '', ...says('as described', 'a check is not ok'), failure }],
  });
  return proving(plan, matrix);
}

const proving = (plan: Plan, matrix: Matrix): Plan => Object.assign(plan, { proof: matrix });

describe('apply', () => {
  test('applies what is missing, verifies it, and only then exits with 0', async () => {
    const { code, face, state } = await ran();
    expect(code).toBe(0);
    expect(state).toEqual({
      initialised: true,
      joined: true,
      connected: true,
      closed: true,
      last: ['release the lock in 0 s', 'release the lock in 0 s'],
    });
    expect(face.lines.at(-1)).toBe(
      'alice is healthy: 2 of 2 replicas answer through http://10.0.0.11:8080, 3 of 3 nodes Ready, 6 of 6 pairs connected (1.3 s)',
    );
    expect(face.outputs['changed']).toBe('2');
    expect(face.lines).toContain('known hosts: line 3 is passed over');
  });

  test('does not exit with 0 when the verification fails, and says so last', async () => {
    const { code, face } = await ran({ matrix: matrixOf({ node: 'Down' }) });
    expect(code).toBe(1);
    expect(face.lines.at(-1)).toMatch(/^alice is not healthy: 1 of 2 replicas/);
  });

  test('does not exit with 0 when the verification gave no matrix', async () => {
    const silent = (): Stage =>
      stage({
        name: 'verify',
        purpose: '',
        needs: [],
        settleMs: 0,
        gather: () => Promise.resolve(),
        plan: () => new Plan(),
      });
    const { code, face } = await ran({ parts: { stagesOf: () => [silent()] }, stages: ['verify'] });
    expect(code).toBe(1);
    expect(face.lines.join('\n')).toContain('Error KS-1601 cluster-unhealthy: the verification ended without a result');
  });

  test('does not exit with 0 when verify reports no failure but its matrix is not healthy', async () => {
    const content: Parts['stagesOf'] = () => [
      stage({
        name: 'verify',
        purpose: '',
        needs: [],
        settleMs: 0,
        gather: () => Promise.resolve(),
        plan: () => proving(new Plan(), matrixOf({ key: 'differs' })),
      }),
    ];
    for (const mode of ['apply', 'verify'] as const) {
      const { code, face } = await ran({ mode, stages: ['verify'], parts: { stagesOf: content } });
      expect(code).toBe(1);
      expect(face.lines.join('\n')).toContain('Error KS-1601 cluster-unhealthy: not every check of the matrix is ok');
    }
  });

  test('of one stage applies only that stage, and says that it checked nothing else', async () => {
    const { code, face, state } = await ran({ stages: ['swarm-join'] });
    expect(code).toBe(0);
    expect(state).toMatchObject({ initialised: false, joined: true });
    expect(face.lines.at(-1)).toMatch(
      /^alice: 1 change made in .* s; swarm-join settled, other stages were not checked$/,
    );
  });

  test('does not exit with 0 when a stage settled although something in it could not be checked', async () => {
    const { code, face } = await ran({
      stages: ['swarm-join'],
      joinLater: { host: 'node-02', ...says('join', 'no swarm yet') },
    });
    expect(code).toBe(1);
    expect(face.lines.join('\n')).toContain(
      'Error KS-1109 fact-unknown: swarm-join: "join" could not be checked on node-02',
    );
  });

  test('that fails halfway says what stays and what was not started', async () => {
    const { code, face, state } = await ran({
      joinStep: () => step('node-02', '+', 'join', 'not in any swarm', () => Promise.reject(deploymentError(CUT))),
    });
    expect(code).toBe(1);
    expect(state).toMatchObject({ initialised: true, closed: true });
    expect(face.lines.slice(-2)).toEqual([
      'No stage after swarm-join was started (verify).',
      '1 change made before the failure is kept (swarm-init 1). 1 change failed; the next run checks what it left behind.',
    ]);
    expect(face.annotations.map(({ severity }) => severity)).toEqual(['error']);
  });

  test('that is cancelled says so, and what it was doing', async () => {
    const cancel = new AbortController();
    const { code, face } = await ran({
      signal: cancel.signal,
      joinStep: () =>
        step('node-02', '+', 'join', 'not in any swarm', () => {
          cancel.abort();
          return Promise.reject(
            deploymentError({ code: 'connection-lost', host: 'node-02', what: 'lost', remedy: 'Run again.' }),
          );
        }),
    });
    expect(code).toBe(1);
    expect(face.lines.filter((line) => line.startsWith('Error'))).toEqual([
      'Error KS-1111 cancelled: cancelled in swarm-join, in the middle of "join" on node-02',
    ]);
  });
});

describe('plan', () => {
  test('changes nothing, verifies nothing, and exits with 0', async () => {
    const { code, face, state } = await ran({ mode: 'plan' });
    expect(code).toBe(0);
    expect(state).toMatchObject({ initialised: false, joined: false, closed: true });
    expect(face.lines).toContain('  swarm-init  node-01  + initialise swarm  not in any swarm');
    expect(face.lines.at(-1)).toBe('Nothing was changed (mode: plan).');
  });

  test('shows what verify can already tell, as a warning', async () => {
    const foretold = planOf({
      warnings: [
        {
          code: 'not-described',
          what: 'replica x runs on a host that is not in the cluster file',
          remedy: 'Take it away.',
        },
      ],
    });
    const verifying = {
      ...stage({
        name: 'verify',
        purpose: '',
        needs: [],
        settleMs: 0,
        gather: () => Promise.reject(new Error('looked')),
        plan: () => new Plan(),
      }),
      preview: () => Promise.resolve(foretold),
    };
    const { code, face } = await ran({ mode: 'plan', stages: ['verify'], parts: { stagesOf: () => [verifying] } });
    expect(code).toBe(0);
    expect(face.lines.filter((line) => line.startsWith('Warning'))).toEqual([
      'Warning KS-1602 not-described: replica x runs on a host that is not in the cluster file',
    ]);
    expect(JSON.parse(face.outputs['plan'] ?? '')).toMatchObject({ warnings: [{ code: 'not-described' }] });
  });

  test('does not exit with 0 when a stage cannot continue', async () => {
    const stuck = stage({
      name: 'swarm-init',
      purpose: '',
      needs: [],
      settleMs: 0,
      gather: () => Promise.resolve(),
      plan: () => planOf({ failures: [CUT] }),
    });
    const { code, face } = await ran({ mode: 'plan', stages: ['swarm-init'], parts: { stagesOf: () => [stuck] } });
    expect(code).toBe(1);
    expect(face.lines.at(-1)).toBe(
      'Nothing was changed (mode: plan); 1 finding must be fixed before these changes can be made.',
    );
  });
});

describe('verify', () => {
  test('reads the present state once', async () => {
    const { code, face, state } = await ran({ mode: 'verify', matrix: matrixOf() });
    expect(code).toBe(0);
    expect(state.initialised).toBe(false);
    expect(face.outputs).toMatchObject({ changed: '0' });
    expect(face.lines.at(-1)).toMatch(/^alice is healthy/);
  });

  test('continues with the hosts that answer, names the others first, and suggests nothing that cannot work meanwhile', async () => {
    const silent = {
      code: 'host-unreachable' as const,
      host: 'node-03',
      what: 'node-03 does not answer at 10.0.0.13 port 22',
      remedy: 'See that node-03 is up.',
    };
    const lost = {
      code: 'connection-lost' as const,
      host: 'node-03',
      what: 'the connection was lost',
      remedy: 'Run again.',
    };
    const red = {
      code: 'cluster-unhealthy' as const,
      host: 'node-02',
      what: 'its heartbeat is old',
      remedy: 'Run the deployment again (mode: apply).',
    };
    const seen = { ...matrixOf({ direct: 'no answer' }), silent: ['node-03'], database: 'works' as const };
    const verifying: Parts['stagesOf'] = () => [
      stage({
        name: 'verify',
        purpose: '',
        needs: [],
        settleMs: 0,
        toleratesLoss: true,
        gather: () => Promise.resolve(),
        plan: () =>
          proving(
            planOf({
              awaited: [lost, red].map((failure) => ({
                host: failure.host,
                ...says('as described', failure.what),
                failure,
              })),
            }),
            seen,
          ),
      }),
    ];
    const openFleet: Parts['openFleet'] = () => ({
      notes: [],
      run: () => Promise.resolve(told('')),
      last: () => undefined,
      connect: () => Promise.resolve(new Map([['node-03', [silent]]])),
      connectAll: () => Promise.resolve(),
      close: () => Promise.resolve(),
    });
    const { code, face } = await ran({ mode: 'verify', stages: ['verify'], parts: { stagesOf: verifying, openFleet } });
    expect(code).toBe(1);
    expect(face.lines.filter((line) => line.startsWith('Error'))).toEqual([
      'Error KS-1101 host-unreachable: node-03 does not answer at 10.0.0.13 port 22',
      'Error KS-1601 cluster-unhealthy: node-02: its heartbeat is old',
    ]);
    expect(face.lines.join('\n')).toContain(
      'Run the deployment again (mode: apply). These modes work only once node-03 answers again.',
    );
    expect(face.lines.at(-1)).toBe(
      'alice is not healthy: 1 of 2 replicas pass every check, 2 of 2 serve through http://10.0.0.11:8080, the database answers, 3 of 3 nodes Ready, 6 of 6 pairs connected; node-03 does not answer (1.3 s)',
    );
    expect(face.markdown.split('\n')[0]).toContain('node-03 does not answer');
    expect(JSON.parse(face.outputs['verify'] ?? '')).toMatchObject({ silent: ['node-03'] });
  });

  test('does not exit with 0 when a check is not ok', async () => {
    const { code, face } = await ran({ mode: 'verify' });
    expect(code).toBe(1);
    expect(face.lines.filter((line) => line.startsWith('Error'))).toEqual([
      'Error KS-1601 cluster-unhealthy: a check is not ok',
    ]);
    expect(face.lines.at(-1)).toMatch(/^alice is not healthy/);
  });
});

describe('unlock', () => {
  test.each([
    ['shared', 'alice: the lock of this run expires in 60 s'],
    ['held\nacme/site/2#1\n48\n240\nnightly by bob\n', 'alice: this run does not hold the lock'],
  ])('changes nothing except the lock, and says what happened to it (%j)', async (answer, line) => {
    const { code, face, state } = await ran({
      mode: 'unlock',
      lock: (purpose) => (purpose === 'keep the lock' ? answer : undefined),
    });
    expect([code, state.initialised, state.closed, state.last, face.outputs['changed']]).toEqual([
      0,
      false,
      true,
      [],
      '0',
    ]);
    expect(face.lines.slice(-2)).toEqual([line, 'Nothing was changed except the lock (mode: unlock).']);
  });

  test('does not exit with 0 when the holder of the lock is not known', async () => {
    const { code, face } = await ran({ mode: 'unlock', lock: () => '' });
    expect([code, face.lines.at(-1)]).toEqual([1, 'Nothing was changed except the lock (mode: unlock).']);
  });
});

describe('whatever goes wrong', () => {
  test('invalid inputs: nothing is opened, and they are reported', async () => {
    const { code, face, state } = await ran({
      parts: {
        readRequest: () => {
          throw deploymentError({ code: 'input-invalid', what: 'database-password is missing', remedy: 'Give it.' });
        },
      },
    });
    expect(code).toBe(1);
    expect(state.connected).toBe(false);
    expect(face.lines.at(-1)).toBe('Nothing was started and nothing was changed.');
  });

  test('a stage that does not exist', async () => {
    const { code, face } = await ran({ stages: ['swarm-init', 'mysql-up'] });
    expect(code).toBe(1);
    expect(face.lines.join('\n')).toContain('no such stage: mysql-up');
    expect((await ran({ stages: [] })).code).toBe(1);
  });

  test('no host can be reached: all are named, connections are closed', async () => {
    const closed: string[] = [];
    const both = (['node-01', 'node-02'] as const).map((host) => ({
      code: 'host-unreachable' as const,
      host,
      what: 'does not answer',
      remedy: 'See that it is up.',
    }));
    const openFleet: Parts['openFleet'] = () => ({
      notes: [],
      run: () => Promise.reject(new Error('not connected')),
      last: () => undefined,
      connect: () => Promise.resolve(new Map(both.map((failure) => [failure.host as string, [failure]]))),
      connectAll: () => Promise.resolve(),
      close: () => Promise.resolve(void closed.push('closed')),
    });
    const { code, face } = await ran({ parts: { openFleet } });
    expect(code).toBe(1);
    expect(face.lines.slice(-6, -3)).toEqual([
      'Error KS-1101 host-unreachable: 2 findings',
      '  node-01    does not answer',
      '  node-02    does not answer',
    ]);
    expect(face.lines.slice(-2)).toEqual([
      'Nothing was changed.',
      expect.stringMatching(/^What still works in alice: 2 of 2 replicas serve through/),
    ]);
    expect(closed).toEqual(['closed']);
  });

  test('an internal error is reported, masked, and does not exit with 0', async () => {
    const { code, face } = await ran({
      parts: {
        stagesOf: () => {
          throw new TypeError('correct horse is not a function');
        },
      },
    });
    expect(code).toBe(1);
    expect(face.lines.join('\n')).toContain('Error KS-1900 internal: TypeError: *** is not a function');
  });

  test('connections that cannot be closed, or a report that cannot be finished, do not exit with 0', async () => {
    const openFleet: Parts['openFleet'] = () => ({
      notes: [],
      run: () => Promise.resolve(told('taken 9999')),
      last: () => undefined,
      connect: () => Promise.resolve(new Map<string, never[]>()),
      connectAll: () => Promise.resolve(),
      close: () => Promise.reject(new Error('stuck')),
    });
    expect((await ran({ parts: { openFleet } })).code).toBe(1);
    const face = {
      ...recorder(),
      output: () => {
        throw new Error('the output file is gone');
      },
    };
    const code = await run(
      partsFor({}, { initialised: true, joined: true, connected: false, closed: false, last: [] }),
      reportOn(face),
      new AbortController().signal,
    );
    expect(code).toBe(1);
    expect(face.lines.join('\n')).toContain('the output file is gone');
  });
});

describe('a real run', () => {
  const files = { read: (): string => 'domain: [' };
  const told = async (
    argv: readonly string[],
    env: Record<string, string>,
  ): Promise<{ code: number; face: Recorder }> => {
    const face = recorder();
    return { code: await run(realParts(argv, env, files), reportOn(face), new AbortController().signal), face };
  };

  test('reports faults of the image archives together with all others', async () => {
    const { code, face } = await told(['--cluster', 'cluster.yml', '--images', '/no/such/folder'], {});
    expect(code).toBe(1);
    expect(face.lines.join('\n')).toMatch(
      /input images names a directory that cannot be read: "\/no\/such\/folder" \(ENOENT\)/,
    );
    expect(face.lines.join('\n')).toMatch(/database-password is missing/);
  });

  test('prints its usage, which is not a failure', async () => {
    const { code, face } = await told(['--help'], {});
    expect(code).toBe(0);
    expect(face.lines[0]).toMatch(/^Usage: /);
    expect(face.lines.join('\n')).toContain('\n  --cluster');
  });

  test('masks secrets before it reports faults of the inputs', async () => {
    const { code, face } = await told([], {
      GITHUB_ACTIONS: 'true',
      INPUT_CLUSTER: 'alice-battery.yml',
      'INPUT_DATABASE-PASSWORD': 'alice-battery',
    });
    expect(code).toBe(1);
    expect(face.hidden).toContain('alice-battery');
    expect(face.lines.filter((line) => line.startsWith('Error')).length).toBeGreaterThan(0);
    expect(face.lines.join('\n')).not.toContain('alice-battery');
  });

  test('outside GitHub it masks values of its own variables', async () => {
    const { face } = await told(['--cluster', 'alice.yml'], { KUSCIA_SWARM_DATABASE_PASSWORD: 'correct-horse' });
    expect(face.hidden).toContain('correct-horse');
  });

  test('in GitHub its own variables do not override the inputs', async () => {
    const { face } = await told([], { GITHUB_ACTIONS: 'true', KUSCIA_SWARM_MODE: 'destroy' });
    expect(face.lines.join('\n')).not.toContain('destroy');
  });
});
