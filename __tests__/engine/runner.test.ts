import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import type { Change } from '../../src/engine/approved.ts';
import { changing, reading } from '../../src/engine/command.ts';
import { failuresOf, deploymentError, type Failure } from '../../src/engine/errors.ts';
import type { Event } from '../../src/engine/events.ts';
import { absent, failedTo, present, type Query } from '../../src/engine/fact.ts';
import type { Outcome } from '../../src/engine/outcome.ts';
import { Plan, type Step } from '../../src/engine/plan.ts';
import { commandFailure } from '../../src/engine/command-failure.ts';
import type { Run } from '../../src/engine/run.ts';
import { apply, plan } from '../../src/engine/runner.ts';
import { stage, type Stage } from '../../src/engine/stage.ts';
import { readJoinToken } from '../../src/docker/commands.ts';
import { makeConfiguration } from '../../src/kuscia/commands.ts';
import { clusterOf } from '../support/deployment.ts';
import { ends, FakeFleet, ok, type Script } from '../support/fake.ts';
import { BARE, says } from '../support/lines.ts';

const failure = (what: string, host = 'a'): Failure => ({ code: 'command-failed', host, what, remedy: 'fix it' });
const planWith = (fill: (plan: Plan) => void): Plan => {
  const made = new Plan();
  fill(made);
  return made;
};

/** A small world: things that exist or not, stages that create them, and a diary of what happened. */
class World {
  readonly there = new Set<string>();
  readonly diary: string[] = [];
  readonly events: Event[] = [];
  fleet = new FakeFleet([]);
  checkEveryMs = 5;

  /** A step that creates the thing, taking some time. */
  step(thing: string, extras: Partial<Step> = {}): Step {
    return {
      host: 'a',
      change: '+',
      ...says(thing, 'absent'),
      apply: async () => {
        this.diary.push(`begin ${thing}`);
        await sleep(5);
        this.there.add(thing);
        this.diary.push(`end ${thing}`);
      },
      ...extras,
    };
  }

  /** A stage that needs the things of these steps to exist. */
  stage(name: string, steps: readonly Step[], extras: Partial<Stage> & { also?: (plan: Plan) => void } = {}): Stage {
    const { also, ...rest } = extras;
    const look = (): Promise<Plan> => {
      this.diary.push(`look ${name}`);
      return Promise.resolve(
        planWith((made) => {
          made.steps.push(...steps.filter(({ about }) => !this.there.has(about.name ?? '')));
          also?.(made);
        }),
      );
    };
    return { name, purpose: name, needs: [], settleMs: 60, plan: look, ...rest };
  }

  run(extras: Partial<Run> = {}): Run {
    return {
      fleet: this.fleet,
      emit: (event) => void this.events.push(event),
      checkEveryMs: this.checkEveryMs,
      words: BARE,
      ...extras,
    };
  }

  told(...kinds: Event['is'][]): Event[] {
    return this.events.filter(({ is }) => kinds.includes(is));
  }
}

const codes = async (running: Promise<unknown>): Promise<string[]> =>
  running.then(
    () => ['success'],
    (thrown: unknown) => failuresOf(thrown).map(({ code, what }) => `${code}: ${what}`),
  );

describe('plan', () => {
  test('plans all stages and changes nothing', async () => {
    const world = new World();
    const planned = await plan(
      [
        world.stage('one', [world.step('x')]),
        world.stage('two', [], { also: (made) => made.failures.push(failure('no')) }),
      ],
      world.run(),
    );
    expect(
      planned.map(({ stage: { name }, plan: { steps, failures } }) => [name, steps.length, failures.length]),
    ).toEqual([
      ['one', 1, 0],
      ['two', 0, 1],
    ]);
    expect(world.diary).toEqual(['look one', 'look two']);
    expect(world.events.map((event) => event.is === 'planned' && event.stage)).toEqual(['one', 'two']);
    expect(world.fleet.trips).toBe(0);
  });

  test('lists what is awaited after changes as known later, each thing once', async () => {
    const world = new World();
    const waits = (made: Plan): void =>
      void made.awaited.push(
        ...['one', 'two'].map((why) => ({ host: 'a', ...says('healthy', why), failure: failure(why) })),
      );
    const planned = await plan(
      [
        world.stage('first', [], { also: waits }),
        world.stage('one', [world.step('x')], { also: waits }),
        world.stage('two', [], { also: waits }),
      ],
      world.run(),
    );
    expect(planned.map(({ plan: { awaited, later } }) => [awaited.length, later])).toEqual([
      [2, []],
      [2, []],
      [0, [{ host: 'a', ...says('healthy', ''), why: { because: 'after-changes' } }]],
    ]);
  });

  test('sends queries of several stages to one host once, in one round trip', async () => {
    const world = new World();
    const [one, two] = ['1', '2'].map((word): Query<string> => ({
      command: reading('read', ['cat', word]),
      read: ({ stdout }) => present(stdout),
    })) as [Query<string>, Query<string>];
    world.fleet = new FakeFleet([ok('a', one.command), ok('a', two.command)]);
    const gather = (...questions: Query<string>[]): Stage =>
      stage({
        name: 's',
        purpose: '',
        needs: [],
        settleMs: 0,
        gather: (ask) => Promise.all(questions.map((each) => ask.ask('a', each))),
        plan: () => new Plan(),
      });
    await plan([gather(one, two), gather(two), gather(one)], world.run());
    expect([world.fleet.trips, world.fleet.lines()]).toEqual([1, ['cat 1', 'cat 2']]);
  });
});

describe('apply', () => {
  test('applies what is missing, stage by stage, and plans again once something was changed', async () => {
    const world = new World();
    const applied = await apply(
      [world.stage('one', []), world.stage('two', [world.step('x')]), world.stage('three', [world.step('y')])],
      world.run(),
    );
    expect(world.diary).toEqual([
      'look one',
      'look two',
      'look three',
      'begin x',
      'end x',
      'look two',
      'look three',
      'begin y',
      'end y',
      'look three',
    ]);
    expect([...applied].map(([name, steps]) => [name, steps.map(({ about }) => about.name)])).toEqual([
      ['one', []],
      ['two', ['x']],
      ['three', ['y']],
    ]);
    expect(
      world.told('stage-started', 'stage-settled').map((event) => `${event.is} ${'stage' in event ? event.stage : ''}`),
    ).toEqual(['one', 'two', 'three'].flatMap((name) => [`stage-started ${name}`, `stage-settled ${name}`]));
  });

  test('plans the next stage together with the check that shows one has settled, and uses that plan', async () => {
    const world = new World();
    const who = reading('ask', ['id']);
    world.fleet = new FakeFleet([ok('a', who)]);
    const asking = (name: string, thing: string): Stage => {
      const inner = world.stage(name, [world.step(thing)]);
      return {
        ...inner,
        plan: async (ask) => (await ask.ask('a', { command: who, read: () => present(0) }), inner.plan(ask)),
      };
    };
    await apply([asking('one', 'x'), asking('two', 'y')], world.run());
    expect(world.diary.filter((entry) => entry.startsWith('look'))).toEqual([
      'look one',
      'look two',
      'look one',
      'look two',
      'look two',
    ]);
    expect(world.fleet.trips).toBe(3);
  });

  test('discards the plan of the next stage if this one turns out not to have settled', async () => {
    const world = new World();
    let looks = 0;
    const one = world.stage('one', [world.step('x')], {
      also: (made) =>
        void (
          world.there.has('x') &&
          (looks += 1) < 3 &&
          made.awaited.push({ host: 'a', ...says('x works', 'starting'), failure: failure('no x') })
        ),
    });
    const two = world.stage('two', [], {
      also: (made) => made.satisfied.push({ host: 'a', ...says(`seen at ${looks}`, '') }),
    });
    await apply([one, two], world.run());
    expect(world.diary).toEqual([
      'look one',
      'look two',
      'begin x',
      'end x',
      'look one',
      'look two',
      'look one',
      'look one',
      'look two',
    ]);
    expect(world.told('stage-settled').at(-1)).toMatchObject({
      stage: 'two',
      plan: { satisfied: [{ about: { name: 'seen at 3' } }] },
    });
  });

  test('begins a stage in parallel with earlier ones if its startAfter allows it, and settles it after all of them', async () => {
    const world = new World();
    const slow = world.stage('slow', [world.step('x', { serialGroup: 'l' }), world.step('y', { serialGroup: 'l' })]);
    // The parallel stage creates what it waits for.
    const early = world.stage('early', [world.step('z')], {
      startAfter: ['first'],
      also: (made) =>
        void (
          world.there.has('y') || made.awaited.push({ host: 'a', ...says('y', 'absent'), failure: failure('no y') })
        ),
    });
    await apply([world.stage('first', []), slow, early, world.stage('last', [world.step('w')])], world.run());
    const when = (entry: string): number => world.diary.indexOf(entry);
    expect(when('begin z')).toBeLessThan(when('end x'));
    expect(when('end y')).toBeLessThan(when('begin w'));
    expect(world.told('stage-settled').map((event) => 'stage' in event && event.stage)).toEqual([
      'first',
      'slow',
      'early',
      'last',
    ]);
  });

  test('does not consider a stage settled by a plan made before parallel stages changed anything', async () => {
    const world = new World();
    const early = world.stage('early', [], {
      startAfter: [],
      also: (made) =>
        void (
          world.there.has('x') || made.awaited.push({ host: 'a', ...says('x', 'absent'), failure: failure('no x') })
        ),
    });
    await apply([world.stage('slow', [world.step('x')]), early], world.run());
    expect(world.diary.slice(-2)).toEqual(['look slow', 'look early']);
    expect(
      world
        .told('stage-settled')
        .map((event) => event.is === 'stage-settled' && [event.stage, event.plan.later.length]),
    ).toEqual([
      ['slow', 0],
      ['early', 0],
    ]);
  });

  test('abandons a stage that waits for the work of a failed one, and begins no other', async () => {
    const world = new World();
    const fails = world.stage('fails', [
      world.step('x', { apply: () => Promise.reject(deploymentError(failure('broken'))) }),
    ]);
    const early = world.stage('early', [world.step('z')], {
      startAfter: [],
      settleMs: 60_000,
      also: (made) => made.awaited.push({ host: 'a', ...says('x', 'absent'), failure: failure('no x') }),
    });
    expect(await codes(apply([fails, early, world.stage('last', [world.step('w')])], world.run()))).toEqual([
      'command-failed: broken',
    ]);
    expect(
      world.told('stage-failed', 'stage-left').map((event) => 'stage' in event && `${event.is} ${event.stage}`),
    ).toEqual(['stage-failed fails', 'stage-left early']);
    expect([...world.there]).toEqual(['z']);
  });

  test('prefetches once changes are allowed, and leaves reporting its failures to the change itself', async () => {
    const world = new World();
    const early =
      (name: string) =>
      (made: Plan): Promise<never> => {
        world.diary.push(`early ${name} ${made.steps.length}`);
        return Promise.reject(new Error('no luck'));
      };
    const stages = [
      world.stage('settled', [], { prefetch: early('settled') }),
      world.stage('first', [world.step('x')]),
      world.stage('second', [world.step('y')], { prefetch: early('second') }),
    ];
    await apply(stages, world.run({ permit: () => (world.diary.push('permitted'), Promise.resolve('as planned')) }));
    expect(world.diary.slice(3, 6)).toEqual(['permitted', 'early second 1', 'begin x']);
    expect(world.diary.filter((entry) => entry.startsWith('early'))).toHaveLength(1);
    expect([...world.there]).toEqual(['x', 'y']);
  });

  test('begins no further stage when a parallel one failed', async () => {
    const world = new World();
    const early = world.stage(
      'early',
      [world.step('x', { apply: () => Promise.reject(deploymentError(failure('broken'))) })],
      { startAfter: [] },
    );
    expect(
      await codes(
        apply([world.stage('slow', [world.step('y')]), world.stage('between', [world.step('z')]), early], world.run()),
      ),
    ).toEqual(['command-failed: broken']);
    expect([...world.there]).toEqual(['y']);
  });

  test('abandons a stage that waits for one that can no longer begin', async () => {
    const world = new World();
    const fails = world.stage(
      'fails',
      [world.step('x', { apply: () => Promise.reject(deploymentError(failure('broken'))) })],
      { startAfter: [] },
    );
    const early = world.stage('early', [world.step('z')], { startAfter: [] });
    const stages = [world.stage('slow', [world.step('y')]), world.stage('between', [world.step('w')]), fails, early];
    expect(await codes(apply(stages, world.run()))).toEqual(['command-failed: broken']);
    expect(
      world
        .told('stage-settled', 'stage-failed', 'stage-left')
        .map((event) => 'stage' in event && `${event.is} ${event.stage}`),
    ).toEqual(['stage-failed fails', 'stage-settled slow', 'stage-left early']);
    expect([...world.there].sort()).toEqual(['y', 'z']);
  });

  test('changes nothing the second time', async () => {
    const world = new World();
    const stages = [
      world.stage('one', [
        world.step('x'),
        world.step('y', { serialGroup: 'l' }),
        world.step('z', { serialGroup: 'l' }),
      ]),
    ];
    await apply(stages, world.run());
    world.diary.length = 0;
    expect([...(await apply(stages, world.run())).values()]).toEqual([[]]);
    expect(world.diary).toEqual(['look one']);
  });

  test('changes nothing if any stage knows that it cannot continue, and reports all reasons', async () => {
    const world = new World();
    const stages = [
      world.stage('one', [world.step('x')], { also: (made) => made.failures.push(failure('first')) }),
      world.stage('two', [], { also: (made) => made.failures.push(failure('second'), failure('third', 'b')) }),
    ];
    expect(await codes(apply(stages, world.run()))).toEqual([
      'command-failed: first',
      'command-failed: second',
      'command-failed: third',
    ]);
    expect(world.diary).toEqual(['look one', 'look two']);
    expect(world.told('stage-started')).toEqual([]);
  });

  test('stops at a stage that cannot continue when it is planned again', async () => {
    const world = new World();
    const also = (made: Plan): void => void (world.there.has('x') && made.failures.push(failure('now it cannot')));
    expect(
      await codes(
        apply(
          [
            world.stage('one', [world.step('x')]),
            world.stage('two', [world.step('y')], { also }),
            world.stage('three', [world.step('z')]),
          ],
          world.run(),
        ),
      ),
    ).toEqual(['command-failed: now it cannot']);
    expect(world.diary).not.toContain('begin y');
    expect(world.diary).not.toContain('begin z');
    expect(world.told('stage-failed')).toMatchObject([{ stage: 'two', applied: [] }]);
  });

  test('applies steps without a serial group in parallel', async () => {
    const world = new World();
    await apply([world.stage('one', [world.step('x'), world.step('y', { host: 'b' })])], world.run());
    expect(world.diary.slice(1, 5)).toEqual(['begin x', 'begin y', 'end x', 'end y']);
  });

  test('applies the steps of a serial group one at a time, each settled before the next', async () => {
    const world = new World();
    const grouped = (what: string): Step => world.step(what, { serialGroup: 'replicas' });
    let looksSinceFirst = 0;
    const also = (made: Plan): void => {
      if (!world.there.has('first') || looksSinceFirst++ > 2) return;
      made.awaited.push({ host: 'a', ...says('first works', 'starting'), failure: failure('first does not work') });
    };
    await apply(
      [world.stage('one', [grouped('first'), grouped('second'), world.step('aside')], { also })],
      world.run(),
    );
    expect(world.diary).toEqual([
      'look one',
      'begin first',
      'begin aside',
      'end first',
      'end aside',
      'look one',
      'look one',
      'look one',
      'look one',
      'begin second',
      'end second',
      'look one',
    ]);
    expect(world.told('waiting')).toHaveLength(3);
    expect(world.told('waiting')[0]).toMatchObject({ stage: 'one', notes: [says('first works', 'starting')] });
  });

  test('lets all steps of a batch end, then throws all their failures together and stops', async () => {
    const world = new World();
    const bad = (what: string): Step =>
      world.step(what, { apply: () => Promise.reject(deploymentError(failure(what))) });
    const running = apply(
      [
        world.stage('one', [
          bad('x'),
          world.step('slow'),
          bad('y'),
          world.step('l1', { serialGroup: 'l' }),
          world.step('l2', { serialGroup: 'l' }),
        ]),
        world.stage('two', [world.step('z')]),
      ],
      world.run(),
    );
    expect(await codes(running)).toEqual(['command-failed: x', 'command-failed: y']);
    expect(world.diary).toEqual(['look one', 'look two', 'begin slow', 'begin l1', 'end slow', 'end l1']);
    expect(world.told('stage-failed')).toMatchObject([
      {
        stage: 'one',
        applied: [{ about: { name: 'slow' } }, { about: { name: 'l1' } }],
        failures: [{ what: 'x' }, { what: 'y' }],
      },
    ]);
    expect(
      world
        .told('step-failed', 'step-done')
        .map((event) => 'step' in event && `${event.is} ${event.step.about.name}`)
        .sort(),
    ).toEqual(['step-done l1', 'step-done slow', 'step-failed x', 'step-failed y']);
  });

  test('treats anything but a DeploymentError as an internal error', async () => {
    const world = new World();
    expect(
      await codes(
        apply(
          [world.stage('one', [world.step('x', { apply: () => Promise.reject(new TypeError('oops')) })])],
          world.run(),
        ),
      ),
    ).toEqual([expect.stringContaining('internal: TypeError: oops')]);
  });
});

describe('settling', () => {
  test('ends when the changes have taken effect, however many checks it takes', async () => {
    const world = new World();
    let looks = 0;
    const also = (made: Plan): void => void (world.there.has('x') && looks++ < 4 && made.steps.push(world.step('x')));
    await apply([world.stage('one', [world.step('x')], { also, settleMs: 2_000 })], world.run());
    expect(world.diary.filter((line) => line === 'begin x')).toHaveLength(1);
    expect(world.told('waiting')).toHaveLength(4);
  });

  test('of a step that never takes effect ends at the deadline as not settled', async () => {
    const world = new World();
    const running = apply([world.stage('one', [world.step('x', { apply: () => Promise.resolve() })])], world.run());
    expect(await codes(running)).toEqual(['not-settled: one: "x" was carried out, but is still missing after 0.06 s']);
  });

  test('of an awaited condition ends with its own failure, without any step', async () => {
    const world = new World();
    const also = (made: Plan): void =>
      void made.awaited.push({
        host: 'a',
        ...says('node Ready', 'down'),
        failure: { ...failure('its node is down'), code: 'node-not-ready' },
      });
    expect(await codes(apply([world.stage('one', [], { also })], world.run()))).toEqual([
      'node-not-ready: its node is down',
    ]);
    expect(world.told('waiting').length).toBeGreaterThan(1);
  });

  test('ignores failures that go away, and throws those that remain', async () => {
    const world = new World();
    let looks = 0;
    const passing = (made: Plan): void =>
      void (world.there.has('x') && looks++ < 2 && made.failures.push(failure('not yet')));
    await apply([world.stage('one', [world.step('x')], { also: passing })], world.run());
    const staying = (made: Plan): void => void (world.there.has('y') && made.failures.push(failure('for good')));
    expect(await codes(apply([world.stage('one', [world.step('y')], { also: staying })], world.run()))).toEqual([
      'command-failed: for good',
    ]);
  });

  test('rejects a step that is needed again after it has settled', async () => {
    const world = new World();
    const flip = world.step('flip', {
      serialGroup: 'l',
      apply: () => {
        world.there.add('flip');
        world.there.delete('flop');
        return Promise.resolve();
      },
    });
    const flop = world.step('flop', {
      serialGroup: 'l',
      apply: () => {
        world.there.add('flop');
        world.there.delete('flip');
        return Promise.resolve();
      },
    });
    expect(await codes(apply([world.stage('one', [flip, flop])], world.run()))).toEqual([
      expect.stringContaining('not-settled: one: "flip" was carried out'),
    ]);
  });
});

describe('cancelling', () => {
  test('ends the pause of a step at once', async () => {
    const world = new World();
    const cancel = new AbortController();
    const waits = world.step('x', {
      apply: async (act) => {
        setImmediate(() => cancel.abort());
        await act.pause(3_600_000);
        world.there.add('x');
      },
    });
    expect(await codes(apply([world.stage('one', [waits])], world.run({ signal: cancel.signal })))).toEqual([
      'cancelled: cancelled in one',
    ]);
    const short = world.step('y', {
      apply: async (act) => {
        await act.pause(1);
        world.there.add('y');
      },
    });
    await apply([world.stage('two', [short])], world.run());
    expect([...world.there]).toEqual(['y']);
  });

  test('before a change prevents it', async () => {
    const world = new World();
    expect(
      await codes(apply([world.stage('one', [world.step('x')])], world.run({ signal: AbortSignal.abort() }))),
    ).toEqual(['cancelled: cancelled in one']);
    expect(world.diary).toEqual(['look one']);
  });

  test('while something settles stops waiting at once', async () => {
    const world = new World();
    world.checkEveryMs = 20_000;
    const cancel = new AbortController();
    const running = codes(
      apply(
        [world.stage('one', [world.step('x', { apply: () => Promise.resolve() })], { settleMs: 60_000 })],
        world.run({ signal: cancel.signal }),
      ),
    );
    await sleep(40);
    cancel.abort();
    expect(await running).toEqual(['cancelled: cancelled in one']);
  });

  test('reports no failures of the steps that it stops', async () => {
    const world = new World();
    const cancel = new AbortController();
    const ended = (thing: string): Step =>
      world.step(thing, {
        apply: () => {
          cancel.abort();
          return Promise.reject(deploymentError(failure('killed by SIGTERM')));
        },
      });
    expect(
      await codes(apply([world.stage('one', [ended('x'), ended('y')])], world.run({ signal: cancel.signal }))),
    ).toEqual(['cancelled: cancelled in one', 'cancelled: cancelled in one']);
    expect(world.told('step-failed')).toMatchObject([
      { failures: [{ what: 'killed by SIGTERM' }] },
      { failures: [{ what: 'killed by SIGTERM' }] },
    ]);
  });

  test('between two steps of a serial group does not begin the second', async () => {
    const world = new World();
    const cancel = new AbortController();
    const first = world.step('first', {
      serialGroup: 'l',
      apply: () => {
        world.there.add('first');
        cancel.abort();
        return Promise.resolve();
      },
    });
    expect(
      await codes(
        apply(
          [world.stage('one', [first, world.step('second', { serialGroup: 'l' })])],
          world.run({ signal: cancel.signal }),
        ),
      ),
    ).toEqual(['cancelled: cancelled in one']);
    expect(world.there).toEqual(new Set(['first']));
  });
});

describe('a run for one host', () => {
  /** A stage with a step on host a, and a failure on the given host for that many plans. */
  const busy = (world: World, looks: number, host: string): Stage => {
    let left = looks;
    return world.stage('one', [world.step('x')], {
      also: (made) => void ((left -= 1) >= 0 && made.failures.push(failure('in the middle of joining', host))),
    });
  };
  const cases: readonly [string, number, string, ReadonlySet<string> | undefined, string[], boolean][] = [
    ['waits while another host is still being changed', 3, 'b', new Set(['a']), ['success'], true],
    ['does not wait forever', 1_000, 'b', new Set(['a']), ['command-failed: in the middle of joining'], false],
    [
      'stops at once at a failure on its own host',
      1,
      'a',
      new Set(['a']),
      ['command-failed: in the middle of joining'],
      false,
    ],
    [
      'stops at once at any failure if it covers all hosts',
      1,
      'b',
      undefined,
      ['command-failed: in the middle of joining'],
      false,
    ],
  ];
  test.each(cases)('%s', async (_, looks, host, hosts, ended, made) => {
    const world = new World();
    expect(await codes(apply([busy(world, looks, host)], world.run(hosts && { hosts })))).toEqual(ended);
    expect(world.there.has('x')).toBe(made);
  });
});

describe('a step may', () => {
  const change = changing('make it', ['make', 'it']);
  const acting = async (scripts: readonly Script[], act: Step['apply']): Promise<{ world: World; ended: string[] }> => {
    const world = new World();
    world.fleet = new FakeFleet(scripts);
    const ended = await codes(
      apply(
        [
          world.stage('one', [
            world.step('x', {
              apply: async (given) => {
                await act(given);
                world.there.add('x');
              },
            }),
          ]),
        ],
        world.run(),
      ),
    );
    return { world, ended };
  };

  test('run commands, attempt them, query and report', async () => {
    const question: Query<string> = {
      command: reading('read', ['cat']),
      read: ({ code, stdout }) => (code === 1 ? absent : present(stdout)),
    };
    const seen: unknown[] = [];
    const { world, ended } = await acting(
      [ok('a', change, 'made\n'), ok('a', question.command, 'read'), ends('b', change, { ended: 'exited', code: 3 })],
      async (act) => {
        seen.push(await act.run('a', change), await act.ask('a', question), await act.attempt('b', change));
        act.say('a', 'half way');
      },
    );
    expect(ended).toEqual(['success']);
    expect(seen).toEqual(['made\n', present('read'), { ended: 'exited', code: 3, stdout: '', stderr: '' }]);
    expect(world.told('said')).toEqual([{ is: 'said', stage: 'one', host: 'a', text: 'half way' }]);
  });

  const bad: readonly [Partial<Outcome> & Pick<Outcome, 'ended'>, string][] = [
    [{ ended: 'exited', code: 1, stderr: 'no such thing\n' }, 'command-failed: could not make it: exit 1'],
    [{ ended: 'killed', signal: 'SIGKILL' }, 'command-failed: could not make it: killed by SIGKILL'],
    [{ ended: 'timed-out', afterMs: 120_000 }, 'command-timed-out: could not make it: timed out after 120 s'],
    [{ ended: 'lost', reason: 'reset' }, 'connection-lost: could not make it: connection lost: reset'],
  ];
  test.each(bad)('not continue after %j', async (outcome, words) => {
    const { world, ended } = await acting(
      [ends('a', change, outcome)],
      async (act) => void (await act.run('a', change)),
    );
    expect(ended).toEqual([words]);
    expect(world.there.size).toBe(0);
    expect(world.told('stage-settled')).toEqual([]);
  });

  test('not change anything with a query', async () => {
    const { ended } = await acting(
      [],
      async (act) => void (await act.ask('a', { command: change, read: (outcome) => failedTo('x', outcome) })),
    );
    expect(ended).toEqual([
      expect.stringContaining('internal: Error: asked with a command that changes something: make it'),
    ]);
  });

  test.each([
    [{ stderr: 'why\n' }, 'why'],
    [{ stdout: 'said\n' }, 'said'],
    [{}, undefined],
  ])('get the evidence of %j', (said, evidence) => {
    expect(commandFailure('a', change, { ended: 'exited', code: 1, stdout: '', stderr: '', ...said }).evidence).toBe(
      evidence,
    );
  });
});

test('the output of a confidential command is never evidence, however it ended', () => {
  const token = reading('read the token', ['token'], { confidential: true });
  const endings: readonly Outcome[] = [
    { ended: 'lost', reason: 'closed', stdout: 'SWMTKN-1-x\n', stderr: '' },
    { ended: 'exited', code: 1, stdout: 'SWMTKN-1-x\n', stderr: 'why\n' },
    { ended: 'killed', signal: 'SIGTERM', stdout: 'SWMTKN-1-x', stderr: '' },
  ];
  expect(endings.map((outcome) => commandFailure('a', token, outcome).evidence)).toEqual([undefined, 'why', undefined]);
  expect([readJoinToken('worker'), makeConfiguration(clusterOf())].map(({ confidential }) => confidential)).toEqual([
    true,
    true,
  ]);
});

test('a connection lost while the runner plans is an error, never success', async () => {
  const world = new World();
  const question: Query<string> = {
    command: reading('count replicas', ['count']),
    read: ({ stdout }) => present(stdout),
  };
  world.fleet = new FakeFleet([
    ok('a', question.command, 'none'),
    ends('a', question.command, { ended: 'lost', reason: 'reset' }),
  ]);
  const counting = stage({
    name: 'one',
    purpose: '',
    needs: [],
    settleMs: 30,
    gather: (ask) => ask.ask('a', question),
    plan: (fact) =>
      planWith((made) => {
        if (fact.is === 'unknown') made.failures.push({ ...failure(fact.why), code: 'fact-unknown' });
        else made.steps.push(world.step('x'));
      }),
  });
  expect(await codes(apply([counting], world.run()))).toEqual([
    'connection-lost: the connection was lost while the state of the host was read',
  ]);
});

test('a stage that tolerates a lost connection judges what the other hosts answer, and awaits an answer of that host', async () => {
  const world = new World();
  const question: Query<string> = {
    command: reading('count replicas', ['count']),
    read: ({ stdout }) => present(stdout),
  };
  world.fleet = new FakeFleet([
    ends('a', question.command, { ended: 'lost', reason: 'reset' }),
    ok('b', question.command, '2'),
  ]);
  const tolerant = stage({
    name: 'one',
    purpose: '',
    needs: [],
    settleMs: 30,
    toleratesLoss: true,
    gather: (ask) => Promise.all(['a', 'b'].map((host) => ask.ask(host, question))),
    plan: (facts) =>
      planWith(
        (made) =>
          void made.satisfied.push({
            host: 'b',
            ...says('replicas', facts.map((fact) => (fact.is === 'present' ? fact.value : fact.is)).join(' ')),
          }),
      ),
  });
  const [planned] = await plan([tolerant], world.run());
  expect([
    planned?.plan.satisfied[0]?.why.seen,
    planned?.plan.awaited.map(({ failure: { code, host } }) => `${code} ${host ?? ''}`),
  ]).toEqual(['unknown 2', ['connection-lost a']]);
  expect(planned?.plan.empty).toBe(false);
});

test('a plan is empty only if nothing is missing, awaited or wrong', () => {
  const note = { host: 'a', ...says('w', 'y') };
  const empty = [
    new Plan(),
    planWith((made) => made.satisfied.push(note)),
    planWith((made) => made.warnings.push(failure('f'))),
  ];
  const not = [
    planWith((made) => made.steps.push({ ...note, change: '+', apply: () => Promise.resolve() })),
    planWith((made) => made.awaited.push({ ...note, failure: failure('f') })),
    planWith((made) => made.failures.push(failure('f'))),
  ];
  expect(empty.map((each) => each.empty)).toEqual([true, true, true]);
  expect(not.map((each) => each.empty)).toEqual([false, false, false]);
});

describe('a run that must follow an approved plan', () => {
  const changesTo = (...lines: readonly (readonly [Change['change'], string])[]): Change[] =>
    lines.map(([change, name]) => ({ stage: 'one', host: 'a', change, about: says(name, '').about }));

  test('changes nothing and copies nothing to a host if a step was not approved', async () => {
    const world = new World();
    const early = (): Promise<unknown> => Promise.resolve(world.diary.push('early'));
    const stages = [world.stage('one', [world.step('x')], { prefetch: early }), world.stage('two', [world.step('y')])];
    const failures = await apply(stages, world.run({ approved: changesTo(['+', 'x']) })).then(() => [], failuresOf);
    expect(failures).toMatchObject([
      {
        code: 'plan-moved',
        host: 'a',
        what: 'two: "+ y" is not in the approved plan, so it was not done',
        evidence: 'absent',
      },
    ]);
    expect(world.diary).toEqual(['look one', 'look two']);
  });

  test('stops at a step that becomes necessary without having been announced, and keeps what was done', async () => {
    const world = new World();
    const later = (made: Plan): void =>
      void (world.there.has('x') && !world.there.has('y') && made.steps.push(world.step('y')));
    const failures = await apply(
      [world.stage('one', [world.step('x')], { also: later })],
      world.run({ approved: changesTo(['+', 'x']) }),
    ).then(() => [], failuresOf);
    expect(failures).toMatchObject([{ code: 'plan-moved', what: expect.stringContaining('"+ y"') }]);
    expect([...world.there]).toEqual(['x']);
    const again = new World();
    const foretold = (made: Plan): void =>
      void (again.there.has('x') && !again.there.has('y') && made.steps.push(again.step('y')));
    await apply(
      [again.stage('one', [again.step('x')], { also: foretold })],
      again.run({ approved: changesTo(['+', 'x'], ['?', 'y']) }),
    );
    expect([...again.there]).toEqual(['x', 'y']);
  });
});
