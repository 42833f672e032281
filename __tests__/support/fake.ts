import { afterEach } from '@jest/globals';
import type { Fleet } from '../../src/engine/ask.ts';
import { isStreamed, shellLine, type Command } from '../../src/engine/command.ts';
import type { Event } from '../../src/engine/events.ts';
import type { Outcome } from '../../src/engine/outcome.ts';
import { Plan, type Step } from '../../src/engine/plan.ts';
import { apply } from '../../src/engine/runner.ts';
import { Secret } from '../../src/engine/secret.ts';
import { KEY } from './key.ts';
import { PASSWORD } from './deployment.ts';
import type { Take } from './tape.ts';

/** What a fake answers: the whole line on that host, and how it ends. Given twice, the answers come in turn and the last one stays. */
export type Script = Pick<Take, 'host' | 'line' | 'outcome'>;

/** A command that a fake was given. */
export interface Ran {
  readonly host: string;
  readonly line: string;
  readonly stdin?: string;
}

/** Values that no command line may hold, wherever a test uses them. */
export const HIDDEN: readonly string[] = [PASSWORD, KEY.secret, 'SWMTKN-1-', 'registry-pass-7', 'PRIVATE KEY'];

const offences: string[] = [];

/** The offences since it was last asked: commands no fake knows, secrets in arguments. A test that leaves one fails. */
export function offencesOf(): string[] {
  return offences.splice(0);
}

afterEach(() => {
  const left = offencesOf();
  if (left.length > 0) throw new Error(`a fake host was given what it must not be given:\n${left.join('\n')}`);
});

/** Hosts that answer what a script says, word for word, and make the test fail on anything else. */
export class FakeFleet implements Fleet {
  /** Every command but bundles, which count as the commands in them. */
  readonly ran: Ran[] = [];
  /** Round trips. */
  trips = 0;
  readonly #answers = new Map<string, Outcome[]>();

  constructor(scripts: readonly Script[]) {
    for (const { host, line, outcome } of scripts) {
      const key = `${host}\n${line}`;
      this.#answers.set(key, [...(this.#answers.get(key) ?? []), outcome]);
    }
  }

  run(host: string, command: Command): Promise<Outcome> {
    this.trips += 1;
    const { stdin } = command;
    const given = stdin instanceof Secret ? stdin.reveal() : isStreamed(stdin) ? `the file ${stdin.file}` : stdin;
    if (command.program === 'sh' && command.args[0] === '-s' && given !== undefined)
      return Promise.resolve(this.#bundle(host, given));
    return Promise.resolve(this.#one(host, shellLine(command), given));
  }

  /** Lines that were run on a host, or on all. */
  lines(host?: string): string[] {
    return this.ran.filter((each) => host === undefined || each.host === host).map(({ line }) => line);
  }

  #one(host: string, line: string, stdin?: string): Outcome {
    this.ran.push({ host, line, ...(stdin !== undefined && { stdin }) });
    for (const hidden of HIDDEN)
      if (line.includes(hidden)) offences.push(`a secret in an argument on ${host}: ${line}`);
    const answers = this.#answers.get(`${host}\n${line}`);
    const outcome = answers !== undefined && answers.length > 1 ? answers.shift() : answers?.[0];
    if (outcome) return outcome;
    offences.push(`${host}: ${line}`);
    return { ended: 'lost', reason: 'the fake does not know this command', stdout: '', stderr: '' };
  }

  /** Takes a bundle apart, as the host's shell would, and puts the answers together again. */
  #bundle(host: string, text: string, inside = ''): Outcome {
    // The first one is its own: bundles within it come after.
    const mark = /^printf '\\n(\w+)\\n'/m.exec(text)?.[1] ?? '';
    const starts = [
      ...text.matchAll(
        /^timeout -k 2 [\d.]+ sh -c ('(?:[^']|'\\'')*') "\$d\/\d+"[^<]*<(?:\/dev\/null &|<'(\w+)' &\n([^]*?\n)\2$)/gm,
      ),
    ];
    const outcomes = starts.map(([, quoted = '', , stdin]) => {
      const word = quoted.slice(1, -1).replaceAll(`'\\''`, `'`);
      const line = inside + (/^trap exit TERM; \(exec ([^]*)\) >"\$0\.o"/.exec(word)?.[1] ?? word);
      const place = /^docker exec --interactive (\S+) sh -s$/.exec(line)?.[1];
      return place !== undefined && stdin !== undefined
        ? this.#bundle(host, stdin, `docker exec ${place} `)
        : this.#one(host, line, stdin);
    });
    const stdout = outcomes
      .map(
        (each) =>
          `${each.stdout}\n${mark}\n${each.stderr}\n${mark} ${each.ended === 'exited' ? each.code : 'overdue'}\n`,
      )
      .join('');
    const lost = outcomes.find((each) => each.ended === 'lost');
    return lost ?? { ended: 'exited', code: 0, stdout, stderr: '' };
  }
}

/** A command of a script that ends with 0 and says this. */
export const ok = (host: string, command: Command, stdout = ''): Script => ({
  host,
  line: shellLine(command),
  outcome: { ended: 'exited', code: 0, stdout, stderr: '' },
});

/** A command of a script that ends so. */
export const ends = (host: string, command: Command, outcome: Partial<Outcome> & Pick<Outcome, 'ended'>): Script => ({
  host,
  line: shellLine(command),
  outcome: { stdout: '', stderr: '', ...outcome } as Outcome,
});

/** What was told while a step was carried out. */
export interface Carried {
  readonly fleet: FakeFleet;
  readonly events: readonly Event[];
  readonly ran: readonly Ran[];
}

/** Carries out one step by the real runner on fake hosts. Throws the runner's DeploymentError. */
export async function carryOut(
  step: Step,
  scripts: readonly Script[],
  seen: { carried?: Carried } = {},
): Promise<Carried> {
  const fleet = new FakeFleet(scripts);
  const events: Event[] = [];
  seen.carried = { fleet, events, ran: fleet.ran };
  let looks = 0;
  const look = (): Promise<Plan> => {
    const plan = new Plan();
    if (looks++ === 0) plan.steps.push(step);
    return Promise.resolve(plan);
  };
  await apply([{ name: 'test', purpose: '', needs: [], settleMs: 0, plan: look }], {
    fleet,
    emit: (event) => void events.push(event),
  });
  return seen.carried;
}
