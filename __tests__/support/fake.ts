import { afterEach } from '@jest/globals';
import { container, containers, type Container } from '../../src/docker/containers.ts';
import { image } from '../../src/docker/facts.ts';
import type { Fleet } from '../../src/engine/ask.ts';
import { isStreamed, shellLine, type Bundled, type Command } from '../../src/engine/command.ts';
import type { Event } from '../../src/engine/events.ts';
import type { Outcome } from '../../src/engine/outcome.ts';
import { Plan, type Step } from '../../src/engine/plan.ts';
import { apply } from '../../src/engine/runner.ts';
import { Secret } from '../../src/engine/secret.ts';
import { PLAN_WORDS } from '../../src/report/words.ts';
import { inspectedAs } from './facts.ts';
import { KEY } from './key.ts';
import { PASSWORD } from './deployment.ts';
import type { Take } from './tape.ts';

/** An answer of a fake: the whole line on that host, and how it ends. If given twice, the answers come in turn and the last one repeats. */
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

/** Hosts that answer exactly as scripted, and make the test fail on any other command. */
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
    return Promise.resolve(this.#outcome(host, command));
  }

  /** Lines that were run on a host, or on all. */
  lines(host?: string): string[] {
    return this.ran.filter((each) => host === undefined || each.host === host).map(({ line }) => line);
  }

  #outcome(host: string, command: Command): Outcome {
    if (command.pipelined) return this.#responses(host, command.pipelined);
    return command.bundled ? this.#together(host, command.bundled) : this.#one(host, command);
  }

  /** What a server answers to requests, one after the other; the first program that fails ends it. */
  #responses(host: string, commands: readonly Command[]): Outcome {
    let stdout = '';
    for (const command of commands) {
      const outcome = this.#one(host, command);
      if (outcome.ended !== 'exited' || (outcome.code !== 0 && outcome.status === undefined))
        return { ...outcome, stdout };
      const { code, status = 200, server = 'Docker/20.10.24 (linux)' } = outcome;
      const body = code === 0 ? outcome.stdout : JSON.stringify({ message: outcome.stderr });
      stdout += `HTTP/1.1 ${status} X\r\nServer: ${server}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
    }
    return { ended: 'exited', code: 0, stdout, stderr: '' };
  }

  #one(host: string, command: Command): Outcome {
    const line = shellLine(command);
    const { stdin } = command;
    const given = stdin instanceof Secret ? stdin.reveal() : isStreamed(stdin) ? `the file ${stdin.file}` : stdin;
    this.ran.push({ host, line, ...(given !== undefined && { stdin: given }) });
    for (const hidden of HIDDEN)
      if (line.includes(hidden)) offences.push(`a secret in an argument on ${host}: ${line}`);
    const answers = this.#answers.get(`${host}\n${line}`);
    const outcome = answers !== undefined && answers.length > 1 ? answers.shift() : answers?.[0];
    if (outcome) return outcome;
    offences.push(`${host}: ${line}`);
    return { ended: 'lost', reason: 'the fake does not know this command', stdout: '', stderr: '' };
  }

  /** The answers to the commands of a bundle, combined as on a host. */
  #together(host: string, { commands, mark }: Bundled): Outcome {
    const outcomes = commands.map((each) => this.#outcome(host, each));
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

/** The images of a host, by names of them: tags and digests. */
export const images = (host: string, all: Readonly<Record<string, string>> = {}): Script => {
  const listed = Object.entries(all).map(([name, Id]) => ({
    Id,
    RepoTags: name.includes('@') ? [] : [name],
    RepoDigests: name.includes('@') ? [name] : [],
  }));
  return ok(host, image('any').command, JSON.stringify(listed));
};

/** All containers of a host, and that there is none of those other names. */
export const containersAre = (host: string, all: readonly Container[], ...missing: readonly string[]): Script[] => [
  ok(host, containers.command, JSON.stringify(all.map(({ name }) => ({ Names: [`/${name}`] })))),
  ...all.map((each) => ok(host, container(each.name).command, inspectedAs(each))),
  ...missing.map((name) => noContainer(host, name)),
];

/** There is no container of that name. */
export const noContainer = (host: string, name: string): Script =>
  ends(host, container(name).command, { ended: 'exited', code: 1, status: 404, stderr: `No such container: ${name}` });

/** A command of a script that ends so. */
export const ends = (host: string, command: Command, outcome: Partial<Outcome> & Pick<Outcome, 'ended'>): Script => ({
  host,
  line: shellLine(command),
  outcome: { stdout: '', stderr: '', ...outcome } as Outcome,
});

/** The messages while a step was carried out. */
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
    words: PLAN_WORDS,
  });
  return seen.carried;
}
