import { reset } from '../../../lab/lab.ts';
import { differences, endState } from '../crash/state.ts';
import { CLUSTER, HOSTS, type Fault, type Named } from './fault.ts';
import { harmBetween, missing, sampled, type Sample } from './harm.ts';
import { blocksOf, runOf, type Run } from './run.ts';
import { plant, treasure } from './treasure.ts';

/** What came of one fault. */
export interface Tried {
  /** Its line of the table. */
  readonly row: string;
  /** The deviations, with the relevant logs; empty if there are none. */
  readonly wrong: readonly string[];
}

/** A cluster that is as an undisturbed deployment leaves it, kept from one fault to the next. */
export class Matrix {
  #state: readonly string[] | undefined;
  #treasure: readonly string[] = [];
  #sound: Sample = { containers: [], led: [] };

  /** Produces the fault, runs into it, fixes it and runs again; whatever the result, the next fault starts from a healthy cluster. */
  async tried(fault: Fault): Promise<Tried> {
    const begun = Date.now();
    const wrong: string[] = [];
    const harm: string[] = [];
    let outcome = 'not tried';
    try {
      if (fault.on === 'empty hosts') await this.#empty();
      else if (this.#state === undefined) await this.#deploy();
      outcome = await this.#meet(fault, wrong, harm);
      wrong.push(...(await this.#again(fault, harm)));
    } catch (thrown) {
      wrong.push(`${fault.name}: ${(thrown as Error).stack ?? String(thrown)}`);
    }
    wrong.push(...harm.map((what) => `${fault.name} does harm: ${what}`));
    // A failure may have left anything behind.
    if (wrong.length > 0) this.#state = undefined;
    const ended = wrong.length === 0 ? 'completed' : 'WRONG';
    return {
      row: rowOf([
        fault.name,
        ended,
        harm.join('; ') || 'none',
        `${Math.round((Date.now() - begun) / 1000)} s`,
        outcome,
      ]),
      wrong,
    };
  }

  /** The run that meets the fault, and the harm: what worked just before it and no longer works just after it. Returns the reported failures in words. */
  async #meet(fault: Fault, wrong: string[], harm: string[]): Promise<string> {
    const inputs = (await fault.inputs?.()) ?? {};
    const cluster = fault.cluster ?? CLUSTER;
    let run: Run;
    try {
      await fault.prepare?.();
      if (fault.when === 'before') await fault.make(() => undefined);
      const state = (): Promise<string[]> => (fault.changesNothing === true ? statesOf() : Promise.resolve([]));
      const [worked, before] = await Promise.all([sampled(), state()]);
      run = await runOf(
        cluster,
        fault.mode,
        inputs,
        fault.when === 'before' ? undefined : { at: fault.when, act: fault.make },
      );
      const [works, after] = await Promise.all([sampled(), state()]);
      harm.push(...harmBetween(worked, works, fault));
      wrong.push(
        ...differences(before, after)
          .filter(isOurDoing)
          .map((line) => `${fault.name} changed ${line}`),
      );
    } catch (thrown) {
      // The first error is more informative than a failure to fix the fault afterwards.
      await fault.mend().catch(() => undefined);
      throw thrown;
    }
    await fault.mend();
    if (!run.reached) wrong.push(`${fault.name}: the run never printed ${String(fault.when)}\n${run.log}`);
    const unsaid = missingIn(fault, run);
    if (unsaid.length > 0) wrong.push(`${fault.name}: ${unsaid.join('; ')}\n${run.log}`);
    return blocksOf(run.log)[0]?.slice(0, 160) ?? wordsOf(fault, run);
  }

  /** After the fix: a run completes, everything is as after an undisturbed deployment, and nothing is lost. */
  async #again(fault: Fault, harm: string[]): Promise<string[]> {
    // It ends with the stage that verifies, so nothing else has to.
    const again = await runOf(fault.again ?? CLUSTER, 'apply');
    if (again.code !== 0 || !/^alice is healthy/m.test(again.log))
      return [`${fault.name}: the run after the fix ends with ${String(again.code)}\n${again.log}`];
    if (this.#state === undefined) {
      await this.#keep();
      return [];
    }
    const [found, kept] = await Promise.all([statesOf(), treasure()]);
    harm.push(...(await this.#missing()).map((line) => `not restored: ${line}`));
    const state = differences(this.#state, found).map((line) => `${fault.name} leaves behind ${line}`);
    const lost = differences(this.#treasure, kept).map((line) => `${fault.name} destroys ${line}`);
    return [...state, ...lost];
  }

  /** What worked in the healthy cluster and does not now, nor in a few further checks: a single one may hit a busy machine. */
  async #missing(): Promise<string[]> {
    for (let look = 1; ; look += 1) {
      const lacking = missing(this.#sound, await sampled());
      if (lacking.length === 0 || look === LOOKS) return lacking;
    }
  }

  async #empty(): Promise<void> {
    this.#state = undefined;
    await reset(HOSTS);
  }

  async #deploy(): Promise<void> {
    await this.#empty();
    const run = await runOf(CLUSTER, 'apply');
    if (run.code !== 0) throw new Error(`the cluster for the faults cannot be deployed\n${run.log}`);
    await this.#keep();
  }

  async #keep(): Promise<void> {
    await plant();
    [this.#sound, this.#state, this.#treasure] = await Promise.all([sampled(), statesOf(), treasure()]);
  }
}

const LOOKS = 4;

/** The columns of the table, each as wide as most of its words. */
const WIDTHS = [40, 10, 5, 6];
export const rowOf = (cells: readonly string[]): string =>
  cells
    .map((cell, i) => cell.padEnd(WIDTHS[i] ?? 0))
    .join(' ')
    .trimEnd();

/** The state of all hosts. The former configuration of nginx is kept on purpose. */
const statesOf = async (): Promise<string[]> =>
  (
    await Promise.all(
      HOSTS.map(async (host) =>
        (await endState(host).catch(() => ['off']))
          .filter((line) => !line.includes('nginx.conf.last-good'))
          .map((line) => `${host} ${line}`),
      ),
    )
  ).flat();

/** Which nodes are Ready changes by itself once a host is gone. */
const isOurDoing = (line: string): boolean => !/^[-+] node-\d+ node /.test(line);

/** The expected reports that the run did not make. */
function missingIn({ ends, says = [] }: Fault, { code, log }: Run): string[] {
  const blocks = blocksOf(log);
  const [wanted, named, words] =
    'dies' in ends
      ? [null, [], says]
      : 'completes' in ends
        ? [0, ends.warns ?? [], [ends.completes, ...says]]
        : [1, ends, says];
  const unsaid = words.filter((each) => !each.test(log)).map((each) => `does not report ${String(each)}`);
  return [
    ...(code === wanted ? [] : [`ends with ${String(code)}, not ${String(wanted)}`]),
    ...unsaid,
    ...named.flatMap((each) => unnamedIn(blocks, each)),
  ];
}

/** The expectations that no block meets; of the closest block, each part that deviates. */
function unnamedIn(blocks: readonly string[], named: Named): string[] {
  const wrong = blocks.map((block) => partsWrong(block, named)).sort((a, b) => a.length - b.length)[0] ?? [
    'reported nothing at all',
  ];
  return wrong.map((part) => `${named.code} on ${named.host}: ${part}`);
}

/** A block consists of the failure with its evidence, then possibly the cause, then the remedy. */
function partsWrong(block: string, { code, host, evidence, cause, remedy }: Named): string[] {
  const [, seen = block, why, todo = ''] = /^([^¦]*?)(?: ?¦cause ([^¦]*?))?(?: ?¦do (.*))?$/.exec(block) ?? [];
  const parts: readonly (readonly [boolean, string])[] = [
    [seen.includes(code), `not ${code}: ${seen}`],
    [seen.includes(host), `not on ${host}: ${seen}`],
    [evidence.test(seen), `evidence ${String(evidence)} not in: ${seen}`],
    [
      cause === undefined ? why === undefined : cause.test(why ?? ''),
      `cause ${String(cause)} expected, reported: ${String(why)}`,
    ],
    [remedy.test(todo), `remedy ${String(remedy)} not in: ${todo}`],
  ];
  return parts.filter(([right]) => !right).map(([, words]) => words);
}

const wordsOf = ({ ends }: Fault, { log }: Run): string =>
  'completes' in ends
    ? `completes: ${(ends.completes.exec(log)?.[0] ?? '').replace(/\s+/g, ' ')}`
    : 'dies' in ends
      ? 'killed'
      : 'reported nothing';
