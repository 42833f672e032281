import { describe, expect, test } from '@jest/globals';
import { failuresOf, deploymentError, type Failure } from '../../src/engine/errors.ts';
import type { Event } from '../../src/engine/events.ts';
import { Plan, type Step } from '../../src/engine/plan.ts';
import { apply } from '../../src/engine/runner.ts';
import type { Stage } from '../../src/engine/stage.ts';
import { FakeFleet } from '../support/fake.ts';
import { BARE, says } from '../support/lines.ts';

const failure = (what: string, host = 'a'): Failure => ({ code: 'command-failed', host, what, remedy: 'fix it' });

/** A thing that is replaced: its existing versions, and the actions on it. */
class Thing {
  readonly diary: string[] = [];
  stands = 'old';
  aside: string | undefined;

  step(changes: Partial<Step> = {}): Step {
    return {
      host: 'a',
      change: '~',
      ...says('replace it', 'other'),
      apply: () => this.#do('apply', () => ([this.aside, this.stands] = [this.stands, 'new'])),
      undo: () =>
        this.#do('undo', () => ([this.stands, this.aside] = [this.aside ?? '', undefined])).then(() => ({
          words: 'the old one runs again',
        })),
      conclude: () => this.#do('conclude', () => (this.aside = undefined)),
      ...changes,
    };
  }

  /** A stage that replaces it; `works` says whether the new one works. */
  stage(step: Step, works = true): Stage {
    const look = (): Promise<Plan> => {
      const plan = new Plan();
      this.diary.push('look');
      if (this.stands === 'old') plan.steps.push(step);
      else if (!works)
        plan.awaited.push({ host: 'a', ...says('it works', 'starting'), failure: failure('it never works') });
      return Promise.resolve(plan);
    };
    return { name: 's', purpose: '', needs: [], settleMs: 30, plan: look };
  }

  #do(what: string, act: () => unknown): Promise<void> {
    this.diary.push(what);
    act();
    return Promise.resolve();
  }
}

async function carriedOut(thing: Thing, stage: Stage, signal?: AbortSignal) {
  const events: Event[] = [];
  const ended = await apply([stage], {
    fleet: new FakeFleet([]),
    emit: (event) => void events.push(event),
    words: BARE,
    checkEveryMs: 5,
    ...(signal && { signal }),
  }).then(
    (applied) => applied.get('s')?.length,
    (thrown: unknown) => failuresOf(thrown).map(({ what }) => what),
  );
  const told = events.flatMap((event) => (event.is === 'step-undone' ? [event.words] : []));
  return {
    ended,
    told,
    stands: thing.stands,
    aside: thing.aside,
    diary: thing.diary.filter((entry, i, all) => entry !== all[i - 1]),
  };
}

describe('a step that replaces something', () => {
  test('discards what it replaced only once the stage has settled, and the stage is planned again', async () => {
    const thing = new Thing();
    expect(await carriedOut(thing, thing.stage(thing.step()))).toEqual({
      ended: 1,
      told: [],
      stands: 'new',
      aside: undefined,
      diary: ['look', 'apply', 'look', 'conclude', 'look'],
    });
  });

  test('puts it back if the new one never works', async () => {
    const thing = new Thing();
    expect(await carriedOut(thing, thing.stage(thing.step(), false))).toEqual({
      ended: ['it never works; undone: the old one runs again'],
      told: ['the old one runs again'],
      stands: 'old',
      aside: undefined,
      diary: ['look', 'apply', 'look', 'undo'],
    });
  });

  test('puts it back if the step itself fails halfway', async () => {
    const thing = new Thing();
    const step = thing.step();
    const half = thing.step({
      apply: (act) => step.apply(act).then(() => Promise.reject(deploymentError(failure('no new one')))),
    });
    expect(await carriedOut(thing, thing.stage(half))).toMatchObject({
      ended: ['no new one; undone: the old one runs again'],
      stands: 'old',
      diary: ['look', 'apply', 'undo'],
    });
  });

  test('passes on the log of the new one, which is removed with it', async () => {
    const thing = new Thing();
    const removed = { container: 'x', lines: ['out of luck'] };
    const step = thing.step({ undo: () => Promise.resolve({ words: 'the old one runs again', removed }) });
    const thrown = await apply([thing.stage(step, false)], {
      fleet: new FakeFleet([]),
      emit: () => undefined,
      words: BARE,
      checkEveryMs: 5,
    }).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failuresOf(thrown)).toEqual([{ ...failure('it never works; undone: the old one runs again'), removed }]);
  });

  test('does not mention undoing if nothing had been touched', async () => {
    const thing = new Thing();
    const refused = thing.step({
      apply: () => Promise.reject(deploymentError(failure('refused'))),
      undo: () => Promise.resolve(undefined),
    });
    expect(await carriedOut(thing, thing.stage(refused))).toMatchObject({
      ended: ['refused'],
      told: [],
      stands: 'old',
    });
  });

  test('reports what could not be put back in addition to what failed', async () => {
    const thing = new Thing();
    const step = thing.step({ undo: () => Promise.reject(deploymentError(failure('cannot be put back'))) });
    expect(await carriedOut(thing, thing.stage(step, false))).toMatchObject({
      ended: ['it never works', 'cannot be put back'],
      told: [],
      stands: 'new',
      aside: 'old',
    });
  });

  test('is also undone if a later step fails that only the new one made necessary', async () => {
    const thing = new Thing();
    const step = thing.step();
    const stage: Stage = {
      ...thing.stage(step),
      plan: () => {
        const plan = new Plan();
        if (thing.stands === 'old') plan.steps.push(step);
        else
          plan.steps.push({
            host: 'a',
            change: '~',
            ...says('reload it', 'not loaded'),
            apply: () => Promise.reject(deploymentError(failure('it does not reload'))),
          });
        return Promise.resolve(plan);
      },
    };
    expect(await carriedOut(thing, stage)).toMatchObject({
      ended: ['it does not reload; undone: the old one runs again'],
      stands: 'old',
      aside: undefined,
    });
  });

  test('is concluded even if another host is not done yet', async () => {
    const [one, two] = [new Thing(), new Thing()];
    const steps = [one.step({ serialGroup: 'l' }), two.step({ serialGroup: 'l', host: 'b' })] as const;
    const look = (): Promise<Plan> => {
      const plan = new Plan();
      if (one.stands === 'old') plan.steps.push(steps[0]);
      if (two.stands === 'old') plan.steps.push(steps[1]);
      two.diary.push(`the first one: ${one.aside ?? 'gone'}`);
      return Promise.resolve(plan);
    };
    expect(await carriedOut(one, { name: 's', purpose: '', needs: [], settleMs: 30, plan: look })).toMatchObject({
      ended: 2,
      stands: 'new',
      aside: undefined,
    });
    expect(
      two.diary.filter((entry) => !entry.includes('first') || entry === 'the first one: gone').slice(0, 3),
    ).toEqual(['the first one: gone', 'the first one: gone', 'apply']);
  });

  test('is not undone when the run is cancelled, as its connections are closed: the next run finds both', async () => {
    const thing = new Thing();
    const cancel = new AbortController();
    const step = thing.step();
    const cancelled = thing.step({ apply: (act) => step.apply(act).then(() => cancel.abort()) });
    expect(await carriedOut(thing, thing.stage(cancelled, false), cancel.signal)).toMatchObject({
      ended: ['cancelled in s'],
      told: [],
      stands: 'new',
      aside: 'old',
    });
  });

  test('fails without being undone if only discarding fails', async () => {
    const thing = new Thing();
    const step = thing.step({ conclude: () => Promise.reject(deploymentError(failure('cannot be removed'))) });
    expect(await carriedOut(thing, thing.stage(step))).toMatchObject({
      ended: ['cannot be removed'],
      told: [],
      stands: 'new',
      aside: 'old',
    });
  });
});
