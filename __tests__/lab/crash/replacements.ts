import { action } from '../deployment/action.ts';
import { CLUSTER, HOSTS, imaged, MORE_MEMORY } from '../faults/fault.ts';
import { harmBetween, sampled, type Sample } from '../faults/harm.ts';
import { plant, treasure } from '../faults/treasure.ts';
import { killedAfter, kindsOf, tally, type Killed } from './crash.ts';
import { differences, endState } from './state.ts';

/** What of the deployed cluster is replaced, by the cluster file that asks for it. `usual` ones are tried by `npm test`. */
const CASES = {
  memory: { cluster: MORE_MEMORY, usual: true },
  image: { cluster: imaged('secretflow/kuscia:1.0.0b0'), usual: false },
  'database port': { cluster: `${CLUSTER}database: { port: 3307 }\n`, usual: true },
} as const;
export type Case = keyof typeof CASES;

/** `npm run test:crash` kills after every command that changes something, `npm test` after the one in the middle. */
const EVERY = process.env['CRASH_EVERY'];
/** Commands that only keep others from changing the hosts meanwhile; when they come is a matter of time. */
const LOCK = /^(?:take|keep|release) the lock$/;

/** Replacements on a deployed cluster, killed after each command that changes something: to the changed file and back again by turns, so that none needs fresh hosts. */
export class Replacements {
  /** Kinds of commands of a run that has nothing to do: they change nothing. */
  readonly #idle: ReadonlySet<string>;
  readonly #treasure: readonly string[];
  readonly #states = new Map<string, readonly string[]>();

  private constructor(idle: Killed, kept: readonly string[], state: readonly string[]) {
    this.#idle = new Set(idle.commands.flatMap(kindsOf));
    this.#treasure = kept;
    this.#states.set(CLUSTER, state);
  }

  /** On hosts on which the tutorial's cluster is deployed. */
  static async begin(): Promise<Replacements> {
    await plant();
    return new Replacements(await killedAfter(CLUSTER, Infinity), await treasure(), await states());
  }

  /** Tries cases one after the other, and prints a row for each point. Returns the rows with deviations, with the relevant logs. */
  async tried(names: readonly Case[]): Promise<string[]> {
    const wrong: string[] = [];
    for (const name of names.filter((each) => EVERY !== undefined || CASES[each].usual)) {
      try {
        wrong.push(...(await this.#case(name)));
      } catch (thrown) {
        wrong.push(`${name}: ${(thrown as Error).stack ?? String(thrown)}`);
      }
    }
    return wrong;
  }

  /** The commands of a run that count: each that an idle run does not need, once on each host, because waiting repeats queries. */
  #counts(): (purpose: string) => boolean {
    const seen = new Set<string>();
    return (purpose) => {
      const fresh = !seen.has(purpose) && kindsOf(purpose).some((kind) => !this.#idle.has(kind) && !LOCK.test(kind));
      seen.add(purpose);
      return fresh;
    };
  }

  async #case(name: Case): Promise<string[]> {
    const { cluster } = CASES[name];
    const undisturbed = await killedAfter(cluster, Infinity, this.#counts());
    if (undisturbed.ended !== 'by itself') throw new Error(`the replacement (${name}) does not end by itself`);
    this.#states.set(cluster, await states());
    const wrong: string[] = [];
    let [from, to]: [string, string] = [cluster, CLUSTER];
    let tried = 0;
    const step = Number(EVERY ?? undisturbed.commands.length);
    for (let point = Math.ceil(step / 2); point <= undisturbed.commands.length; point += step) {
      const { row, bad } = await this.#point(name, point, to);
      process.stdout.write(`${row}\n`);
      wrong.push(...bad);
      [from, to] = [to, from];
      tried += 1;
    }
    process.stdout.write(tally(`a replacement (${name})`, tried, undisturbed.commands.length));
    if (tried === 0) wrong.push(`${name}: none of ${undisturbed.commands.length} points tried`);
    if (from !== CLUSTER) await action(CLUSTER);
    return wrong;
  }

  /** A run that is killed, the containers that still work then, and the run after it. */
  async #point(
    name: Case,
    point: number,
    to: string,
  ): Promise<{ readonly row: string; readonly bad: readonly string[] }> {
    const before = await sampled();
    const { last, ended } = await killedAfter(to, point, this.#counts());
    const cost = await sampled();
    const again = await action(to);
    const completed = again.code === 0 && again.matrix?.healthy === true;
    const after = await sampled();
    const found = [
      ...overspent(cost, name),
      ...(completed ? [] : [`the next run ends with ${again.code}`]),
      ...differences(this.#states.get(to) ?? [], await states()),
      ...differences(this.#treasure, await treasure()),
      ...harmBetween(before, after, { replaces: before.containers.map((each) => `${each.host} ${each.name}`) }),
    ];
    const row = `${name.padEnd(14)} ${String(point).padStart(3)}  ${ended.padEnd(9)}  ${worded(cost).padEnd(34)}  ${completed ? 'completed' : `exit ${again.code}`}  ${found.length === 0 ? 'same end' : found.join('; ')}  after ${last}`;
    return { row, bad: found.length === 0 ? [] : [`${row}\n${completed ? '' : again.log}`] };
  }
}

const healthy = ({ containers }: Sample): number =>
  containers.filter(({ name, works }) => name.includes('-kuscia-autonomy-') && works).length;
const databases = ({ containers }: Sample): Sample['containers'] =>
  containers.filter(({ name }) => name.startsWith('alice-mysql'));
const worded = (sample: Sample): string =>
  `${healthy(sample)} healthy, ${sample.led.length} behind the load balancer, database ${
    databases(sample).some(({ works }) => works)
      ? 'works'
      : databases(sample)
          .map(({ name, state }) => `${name} ${state}`)
          .join(', ') || 'gone'
  }`;

/** The harm of a killed run, beyond the container that it was replacing. */
function overspent(sample: Sample, name: Case): string[] {
  const replaced = name === 'database port' ? 'the database' : 'a replica';
  const database = databases(sample);
  // Replicas are restarted one after the other once the database has moved.
  const lost = healthy(sample) < 1 ? [`no replica is healthy while ${replaced} is replaced`] : [];
  const unled =
    sample.led.length < 1 ? [`no replica answers through the load balancer while ${replaced} is replaced`] : [];
  const kept = name === 'database port' ? database.length > 0 : database.some(({ works }) => works);
  return [
    ...lost,
    ...unled,
    ...(kept
      ? []
      : [`the database ${database.length === 0 ? 'is gone' : 'does not work'} while ${replaced} is replaced`]),
  ];
}

const states = async (): Promise<string[]> =>
  (await Promise.all(HOSTS.map(async (host) => (await endState(host)).map((line) => `${host} ${line}`))))
    .flat()
    .filter((line) => !line.includes('nginx.conf.last-good'));
