import { readFileSync } from 'node:fs';
import type { Ask, Fleet } from '../../src/engine/ask.ts';
import { shellLine, type Command } from '../../src/engine/command.ts';
import { answer, gather, present, unknown, type Fact, type Query } from '../../src/engine/fact.ts';
import type { Outcome } from '../../src/engine/outcome.ts';
import { answered } from '../../src/engine/request.ts';
import { KEY, publicHalf, type DomainKey } from './key.ts';

/** A command that was run on a real host, and how it ended there. */
export interface Take {
  readonly host: string;
  readonly purpose: string;
  readonly line: string;
  readonly outcome: Outcome;
}

/** Moments of a deployment on two hosts: before it, its changes, after it, and single odd situations. */
export const MOMENTS = ['empty', 'changes', 'settled', 'odd'] as const;
export type Moment = (typeof MOMENTS)[number];

/** File of a tape. */
export const tapeFile = (moment: Moment): URL => new URL(`data/${moment}.json`, import.meta.url);

/** The takes of a moment, with a fresh domain key wherever the real one stood. */
export function tape(moment: Moment): Take[] {
  const takes = JSON.parse(readFileSync(tapeFile(moment), 'utf8')) as Take[];
  return takes.map(({ outcome, ...take }) => ({ ...take, outcome: { ...outcome, stdout: unveiled(outcome.stdout) } }));
}

/** How the command of that question ended at that moment on that host, the last time it was asked. Throws when it was not asked then. */
export const outcomeOf = (moment: Moment, host: string, { command }: Query<unknown>): Outcome =>
  ended(moment, host, command);

/** How the commands ended that the answer gave rise to. */
export function detailsOf(moment: Moment, host: string, question: Query<unknown>): Outcome[] {
  const outcome = outcomeOf(moment, host, question);
  const commands = outcome.ended === 'exited' ? (question.details?.(outcome) ?? []) : [];
  return commands.map((command) => ended(moment, host, command));
}

function ended(moment: Moment, host: string, command: Command): Outcome {
  const line = shellLine(command);
  const take = tape(moment).findLast((each) => each.host === host && each.line === line);
  if (!take) throw new Error(`not on the tape ${moment}: ${host}: ${line}`);
  return take.outcome;
}

/** The fact that was read from the answer to that query then. */
export const factOf = <T>(moment: Moment, host: string, question: Query<T>): Fact<T> =>
  answer(question, outcomeOf(moment, host, question), detailsOf(moment, host, question));

/** The outcome as it may be stored: without any key, and with long base64 made readable. */
export function veiled(outcome: Outcome, key: DomainKey): Outcome {
  const rows = outcome.stdout.replace(
    /^gateway\t(\S+)$/gm,
    (_, row: string) => `gateway\tbase64 ${Buffer.from(row, 'base64').toString()}`,
  );
  return {
    ...outcome,
    stdout: rows
      .replaceAll(key.secret, '@secret@')
      .replaceAll(key.shown, '@shown@')
      .replace(/SWMTKN-1-\S+/g, 'SWMTKN-1-taped'),
  };
}

function unveiled(stdout: string): string {
  const filled = stdout.replaceAll('@secret@', KEY.secret).replaceAll('@shown@', KEY.shown);
  return filled.replace(
    /^gateway\tbase64 (.*)$/gm,
    (_, row: string) => `gateway\t${Buffer.from(row).toString('base64')}`,
  );
}

/** The key in a configuration. */
export function keyIn(configuration: string): DomainKey {
  const secret = /^domainKeyData: *(\S+)/m.exec(configuration)?.[1] ?? '';
  return { secret, shown: publicHalf(Buffer.from(secret, 'base64').toString()) };
}

/** What was asked and answered, and how it is read. */
export interface Recorded {
  readonly question: Query<unknown>;
  readonly outcome: Outcome;
  readonly take: Take;
}

/** The answer to a detail as such: only its question makes something of it. */
const asJson = (command: Command): Query<unknown> => ({
  command,
  read: ({ code, stdout }) => (code === 0 ? present(JSON.parse(stdout)) : unknown(`exit ${code}`)),
});

/** Asks through the fleet, each question once, and keeps what came back. */
export class Recorder implements Ask {
  readonly #asked = new Map<string, Promise<Recorded>>();
  readonly #fleet: Fleet;

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
  }

  ask<T>(host: string, question: Query<T>): Promise<Fact<T>> {
    return gather(question, (command) =>
      this.#once(host, command === question.command ? question : asJson(command)).then(({ outcome }) => outcome),
    );
  }

  #once(host: string, question: Query<unknown>): Promise<Recorded> {
    const line = shellLine(question.command);
    const key = `${host} ${line}`;
    const { purpose } = question.command;
    const asked =
      this.#asked.get(key) ??
      answered(question.command, (command) => this.#fleet.run(host, command)).then((outcome) => ({
        question,
        outcome,
        take: { host, purpose, line, outcome },
      }));
    this.#asked.set(key, asked);
    return asked;
  }

  learn(): void {
    // Nothing is printed here.
  }

  reaches(): boolean {
    return true;
  }

  /** What was asked, each once. */
  takes(): Promise<Recorded[]> {
    return Promise.all(this.#asked.values());
  }
}
