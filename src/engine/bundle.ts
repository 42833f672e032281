import { randomBytes } from 'node:crypto';
import { reading, shellLine, type Command } from './command.ts';
import { succeeded, type Outcome } from './outcome.ts';

/** Several reading commands as one, run side by side on the host, and the way back from its outcome to theirs. */
export interface Bundle {
  readonly command: Command;
  split(outcome: Outcome): Outcome[];
}

/** Exit codes of timeout(1): its own, and that of the KILL it sends in the end. */
const TIMED_OUT = [124, 137];

/**
 * Bundles commands without standard input into one round trip. The script goes in by standard input; answers are kept in
 * memory-backed files where there are any, so that a host with a full disk can still be asked.
 */
export function bundle(commands: readonly Command[], mark = randomBytes(12).toString('hex')): Bundle {
  const starts = commands.map(
    (command, i) => `( timeout -k 2 ${command.timeoutMs / 1000} ${shellLine(command)} >"$d/${i}.o" 2>"$d/${i}.e" </dev/null; echo $? >"$d/${i}.c" ) &`,
  );
  const text = [
    'd=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d) || exit 73',
    `trap 'rm -rf "$d"' EXIT`,
    'export LC_ALL=C',
    ...starts,
    'wait',
    ...commands.map((_, i) => `cat "$d/${i}.o"; printf '\\n${mark}\\n'; cat "$d/${i}.e"; printf '\\n${mark} %s\\n' "$(cat "$d/${i}.c")"`),
    '',
  ].join('\n');
  const timeoutMs = Math.max(...commands.map((command) => command.timeoutMs)) + 5_000;
  const purpose = commands.map((command) => command.purpose).join(', ');
  return {
    command: reading(purpose, ['sh', '-s'], { stdin: text, timeoutMs }),
    split: (outcome) => (succeeded(outcome) ? parts(outcome.stdout, mark, commands) : commands.map(() => outcome)),
  };
}

function parts(stdout: string, mark: string, commands: readonly Command[]): Outcome[] {
  const pieces = stdout.split(`\n${mark}`);
  let rest = pieces[0] ?? '';
  return commands.map((command, i): Outcome => {
    const said = pieces[2 * i + 1];
    const tail = pieces[2 * i + 2];
    const match = tail === undefined ? null : /^ (\d+)\n/.exec(tail);
    if (said === undefined || tail === undefined || match === null) {
      return { ended: 'lost', reason: 'the answer was cut short', stdout: '', stderr: '' };
    }
    const output = { stdout: rest, stderr: said.slice(1) };
    rest = tail.slice(match[0].length);
    const code = Number(match[1]);
    return TIMED_OUT.includes(code) ? { ended: 'timed-out', afterMs: command.timeoutMs, ...output } : { ended: 'exited', code, ...output };
  });
}
