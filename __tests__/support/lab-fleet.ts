import { readFileSync } from 'node:fs';
import { exec } from '../../lab/lab.ts';
import type { Fleet } from '../../src/engine/ask.ts';
import { isStreamed, shellLine } from '../../src/engine/command.ts';
import { quote } from '../../src/engine/quote.ts';
import { Secret } from '../../src/engine/secret.ts';

/** The lab's hosts as a fleet: root's shell on each, without SSH. */
export const labFleet: Fleet = {
  async run(host, command) {
    const line = `exec ${shellLine(command)}`;
    const onTerminal = `script -q -e -c ${quote(line)} /dev/null </dev/null | tr -d '\\r'; exit "\${PIPESTATUS[0]}"`;
    const stdin =
      command.stdin instanceof Secret
        ? command.stdin.reveal()
        : isStreamed(command.stdin)
          ? readFileSync(command.stdin.file)
          : (command.stdin ?? '');
    const { timeoutMs } = command;
    const { code, signal, timedOut, stdout, stderr } = await exec(
      host,
      ['bash', '-c', command.terminal === true ? onTerminal : line],
      { stdin, timeoutMs, env: { LC_ALL: 'C' } },
    );
    if (timedOut) return { ended: 'timed-out', afterMs: timeoutMs, stdout, stderr };
    return code === null
      ? { ended: 'killed', signal: signal ?? '', stdout, stderr }
      : { ended: 'exited', code, stdout, stderr };
  },
};
