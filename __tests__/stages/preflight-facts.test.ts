import { describe, expect, test } from '@jest/globals';
import type { Ask } from '../../src/engine/ask.ts';
import { present, valueOf, type Fact, type Query } from '../../src/engine/fact.ts';
import { firewallRules, setup, type Setup } from '../../src/host/setup.ts';
import { gatherHosts } from '../../src/stages/preflight-facts.ts';
import { clusterOf, TWO } from '../support/deployment.ts';
import { factOf } from '../support/tape.ts';

const cluster = clusterOf({ hosts: TWO });
const complete = valueOf(factOf('settled', 'node-01', setup))?.rules ?? [];
const early = complete.filter((rule) => !/MASQUERADE/.test(rule));

/** The rules that preflight uses for the first host, which first answers the first ones, and the second ones when queried only for rules. */
async function rulesFound(
  first: Setup['rules'],
  then: Fact<Setup['rules']>,
): Promise<{ readonly rules: Setup['rules']; readonly again: number }> {
  let again = 0;
  const answers = <T>(host: string, question: Query<T>): Fact<unknown> => {
    if (host !== 'node-01') return factOf('settled', host, question);
    if (question.command.purpose === setup.command.purpose)
      return present({ ...valueOf(factOf('settled', host, setup)), rules: first });
    if (question.command.purpose !== firewallRules.command.purpose) return factOf('settled', host, question);
    again += 1;
    return then;
  };
  const ask: Ask = {
    ask: <T>(host: string, question: Query<T>) => Promise.resolve(answers(host, question) as Fact<T>),
    learn: () => undefined,
    reaches: () => true,
  };
  const {
    hosts: [one],
  } = await gatherHosts(ask, cluster);
  return { rules: valueOf(one?.setup ?? present(undefined))?.rules, again };
}

describe("Docker's firewall rules", () => {
  test.each<[string, Setup['rules'], Fact<Setup['rules']>, Setup['rules'], number]>([
    ['are read once where all are there', complete, present([]), complete, 0],
    ['are read once where the login may not read them', undefined, present(complete), undefined, 0],
    ['that did not exist yet exist the second time', early, present(complete), complete, 1],
    ['that are missing are also missing the second time', early, present(early), early, 1],
    ['are those of the first time if there is no second', early, { is: 'unknown', why: 'x' }, early, 1],
  ])('%s', async (_, first, then, rules, again) => {
    expect(await rulesFound(first, then)).toEqual({ rules, again });
  });
});
