import { randomBytes } from 'node:crypto';
import { cleaningUp, isStreamed, reading, shellLine, type Command } from './command.ts';
import { Secret } from './secret.ts';
import { succeeded, type Outcome } from './outcome.ts';
import { quote } from './quote.ts';
import { pipelined } from './request.ts';

/**
 * Several reading commands combined into one that runs them in parallel; `split` recovers their outcomes from its own.
 */
export interface Bundle {
  readonly command: Command;
  split(outcome: Outcome): Outcome[];
}

/** Replaces the exit code of a command that did not end in time. */
const OVERDUE = 'overdue';

/**
 * Runs the line; writes its exit code only if it ended by itself. The exit codes of timeout(1) are ambiguous: a program
 * can exit with 124 or 137 too.
 */
const timed = (line: string, mark: string): string =>
  quote(`trap exit TERM; (exec ${line}) >"$0.o" 2>"$0.e"; printf '\\n${mark} %s\\n' "$?" >"$0.c"`);

const stdinText = ({ stdin }: Command): string | undefined =>
  stdin instanceof Secret ? stdin.reveal() : isStreamed(stdin) ? undefined : stdin;

/**
 * Whether a command can share a round trip: it needs no terminal, its output is returned as text, and its standard
 * input can be sent as lines.
 */
export const travels = (command: Command): boolean =>
  command.terminal !== true &&
  command.stdout === undefined &&
  !isStreamed(command.stdin) &&
  /^$|\n$/.test(stdinText(command)?.slice(-1) ?? '') &&
  stdinText(command)?.includes('\0') !== true;

/**
 * Bundles commands into one round trip. The script is sent through standard input, together with the standard input of
 * each command. Answers are kept in memory-backed files if possible, so that a host with a full disk can still be
 * asked. Commands that run in the same place within the host share a nested bundle there, and requests to the same
 * server share a connection.
 */
export function bundle(commands: readonly Command[], mark = randomBytes(12).toString('hex')): Bundle {
  const groups = [...Map.groupBy(commands.keys(), (i) => placeOf(commands[i]) ?? i).values()];
  const members = groups.map((group) => group.flatMap((i) => commands[i] ?? []));
  const bundles = members.map(nested);
  const flat = flatBundle(
    members.flatMap((group, i) => bundles[i]?.command ?? group),
    mark,
  );
  return {
    command: flat.command,
    split(outcome) {
      const outcomes = flat.split(outcome).flatMap((each, i) => bundles[i]?.split(each) ?? [each]);
      const outcomeAt = new Map(groups.flat().map((i, at) => [i, outcomes[at]]));
      return commands.map((_, i) => outcomeAt.get(i) ?? lost('no answer'));
    },
  };
}

/** Identifies the place within the host where the command runs, if it can be bundled with others there. */
const placeOf = (command: Command | undefined): string | undefined =>
  command?.request
    ? JSON.stringify(command.request.through)
    : command?.inside && command.stdin === undefined
      ? JSON.stringify(command.inside.shell)
      : undefined;

/** The commands of one place as one; undefined for a single command, unless it is a request. */
const nested = (commands: readonly Command[]): Bundle | undefined =>
  commands[0]?.request ? pipelined(commands) : commands.length > 1 ? inPlace(commands) : undefined;

/** Commands of one place as a single command that enters it once. If it cannot enter, each command gets its outcome. */
function inPlace(commands: readonly Command[]): Bundle {
  const mark = randomBytes(12).toString('hex');
  const inner = flatBundle(
    commands.map((command) =>
      reading(command.purpose, command.inside?.argv ?? [command.program, ...command.args], {
        timeoutMs: command.timeoutMs,
      }),
    ),
    mark,
  );
  const { purpose, stdin, timeoutMs } = inner.command;
  return {
    command: reading(purpose, commands[0]?.inside?.shell ?? ['sh'], {
      timeoutMs,
      bundled: { commands, mark },
      ...(stdin !== undefined && { stdin }),
    }),
    split: (outcome) => inner.split(outcome),
  };
}

function flatBundle(commands: readonly Command[], mark: string): Bundle {
  const starts = commands.map((command, i) => {
    const input = stdinText(command) ?? '';
    const from = input === '' ? '</dev/null &' : `<<'${mark}' &\n${input}${mark}`;
    return (
      `timeout -k 2 ${command.timeoutMs / 1000} sh -c ${timed(shellLine(command), mark)} "$d/${i}" 2>/dev/null ` +
      `${from}`
    );
  });
  // As few processes as possible: starting them costs more than most queries.
  const answers = commands.map((_, i) => `"$d/${i}.o" "$d/m" "$d/${i}.e" "$d/${i}.c"`);
  const text = [
    'umask 077',
    'd=; started=; tries=0',
    // Reading commands need no grace period, and a shell or timeout(1) that receives TERM while it starts a process
    // does not pass it on. Each command has a process group of its own, except one that has not become timeout yet. The
    // id of a process that has ended may have been reused: only processes that are still children of this shell are
    // killed.
    cleaningUp(
      'for p in $started $!; do read -r _ _ _ parent _ </proc/$p/stat && [ "$parent" = $$ ] && { kill -s KILL ' +
        '$p; kill -s KILL -- -$p; }; done 2>/dev/null; until rm -rf "$d" || [ $((tries += 1)) -gt 9 ]; do :; done',
    ),
    'd=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d) || exit 73',
    'export LC_ALL=C',
    `printf '\\n${mark}\\n' >"$d/m"`,
    `for i in ${[...commands.keys()].join(' ')}; do printf '\\n${mark} ${OVERDUE}\\n' >"$d/$i.c"; done`,
    ...starts.flatMap((start) => [start, 'started="$started $!"']),
    'wait',
    `trap 'rm -rf "$d"' EXIT`,
    `cat ${answers.join(' ')} || :`,
    '',
  ].join('\n');
  const timeoutMs = Math.max(...commands.map((command) => command.timeoutMs)) + 5_000;
  const purpose = commands.map((command) => command.purpose).join(', ');
  return {
    command: reading(purpose, ['sh', '-s'], {
      stdin: commands.some(({ stdin }) => stdin instanceof Secret) ? new Secret('queries', text) : text,
      timeoutMs,
      bundled: { commands, mark },
    }),
    split: (outcome) => (succeeded(outcome) ? parts(outcome.stdout, mark, commands) : commands.map(() => outcome)),
  };
}

function parts(stdout: string, mark: string, commands: readonly Command[]): Outcome[] {
  const pieces = stdout.split(`\n${mark}`);
  // If the answer was so long that its middle was left out, its parts can no longer be assigned to commands.
  const whole = pieces.length === 2 * commands.length + 1;
  let rest = pieces[0] ?? '';
  return commands.map((command, i): Outcome => {
    const stderr = pieces[2 * i + 1];
    const tail = pieces[2 * i + 2];
    const match = tail === undefined ? null : /^ (\d+|overdue)\n/.exec(tail);
    if (!whole || stderr === undefined || tail === undefined || match === null) {
      return lost('the answer was truncated');
    }
    const output = { stdout: rest, stderr: stderr.slice(1) };
    rest = tail.slice(match[0].length);
    return match[1] === OVERDUE
      ? { ended: 'timed-out', afterMs: command.timeoutMs, ...output }
      : { ended: 'exited', code: Number(match[1]), ...output };
  });
}

const lost = (reason: string): Outcome => ({ ended: 'lost', reason, stdout: '', stderr: '' });
