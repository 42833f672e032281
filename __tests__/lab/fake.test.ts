import { beforeAll, describe, expect, test } from '@jest/globals';
import { answer, type Fact, type Query } from '../../src/engine/fact.ts';
import { shellLine } from '../../src/engine/command.ts';
import type { Outcome } from '../../src/engine/outcome.ts';
import { record, type Recording } from '../support/recording.ts';
import { shapeOf } from '../support/shape.ts';
import { tape, type Moment, type Take } from '../support/tape.ts';
import { freshHosts } from './support/fresh.ts';

// The unit tests' hosts are fakes that answer from tapes. Here the same is done and asked on real hosts, and must read alike.
freshHosts(2);

let recorded: Awaited<ReturnType<typeof record>>;
beforeAll(async () => {
  recorded = await record();
}, 300_000);

/** Values that differ on every run although their shape is the same: only parts that may be absent by chance are left out. */
const shapeOfFact = (fact: Fact<unknown>): unknown =>
  fact.is === 'present' ? { is: fact.is, value: shapeOf(fact.value) } : { is: fact.is };

const key = ({ host, line }: Pick<Take, 'host' | 'line'>): string => `${host} ${line}`;
const ended = (outcome: Outcome): string => (outcome.ended === 'exited' ? `exit ${outcome.code}` : outcome.ended);

describe.each(['empty', 'settled', 'odd'] as const satisfies readonly Moment[])('the tape %s', (moment) => {
  const now = (): Recording => recorded.asked[moment];

  test('contains exactly the queries that are made', () => {
    expect(
      now()
        .map(({ take }) => key(take))
        .sort(),
    ).toEqual(tape(moment).map(key).sort());
  });

  test('has answers that end and parse like those of real hosts', () => {
    const taped = tape(moment);
    const details = (question: Query<unknown>, outcome: Outcome, host: string, takes: readonly Take[]): Outcome[] =>
      outcome.ended === 'exited'
        ? (question.details?.(outcome) ?? []).flatMap(
            (command) => takes.findLast((each) => key(each) === `${host} ${shellLine(command)}`)?.outcome ?? [],
          )
        : [];
    const recordedNow = now().map(({ take }) => take);
    const used = new Map<string, number>();
    for (const { take, question, outcome } of now()) {
      const nth = used.get(key(take)) ?? 0;
      used.set(key(take), nth + 1);
      const same = taped.filter((each) => key(each) === key(take))[nth];
      if (!same) throw new Error(`not on the tape: ${key(take)}`);
      expect([
        key(take),
        ended(same.outcome),
        shapeOfFact(answer(question, same.outcome, details(question, same.outcome, take.host, taped))),
      ]).toEqual([
        key(take),
        ended(outcome),
        shapeOfFact(answer(question, outcome, details(question, outcome, take.host, recordedNow))),
      ]);
    }
  });
});

test('the tape of changes contains exactly the commands that a deployment runs, with their endings', () => {
  const line = (take: Take): string => `${key(take)} ${ended(take.outcome)}`;
  expect(recorded.changes.map(line).sort()).toEqual(tape('changes').map(line).sort());
});
