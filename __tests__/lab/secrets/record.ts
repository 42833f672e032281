import { spawn } from 'node:child_process';
import { mkdtempSync, openSync, closeSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hostEnvironment, inHost } from '../../../lab/enter.ts';
import { hostsReady } from '../../../lab/host.ts';
import { run, sshTo } from '../../../lab/lab.ts';
import { hostNamed } from '../../../lab/places.ts';
import { until } from '../../../lab/process.ts';

/** A program that was started on a host, or was tried to be. */
export interface Started {
  readonly host: string;
  readonly program: string;
  readonly args: readonly string[];
  /** `NAME=value` each. */
  readonly environment: readonly string[];
}

/** Every execve on a host, from the start of its sshd and its engine on: whatever a deployment starts there descends from one of them. */
export class Recording {
  readonly #host: string;
  readonly #folder: string;

  private constructor(host: string, folder: string) {
    this.#host = host;
    this.#folder = folder;
  }

  /**
   * Restarts sshd and engine of a host, under strace. A filter in the kernel lets only execve stop for it, so the host stays quick. No
   * argument can be longer than 128 KiB (MAX_ARG_STRLEN), so none is cut. The host must be reset afterwards: without strace nothing starts.
   */
  static async begin(host: string): Promise<Recording> {
    const folder = mkdtempSync(join(tmpdir(), 'recording-'));
    const strace =
      'strace -f -qq --seccomp-bpf -e trace=execve,execveat -e signal=none -v -xx -s 200000 -o /proc/self/fd/3';
    const text = `engine stop && kill "$(cat /run/sshd.pid)" && while pidof sshd >/dev/null; do sleep 0.1; done
exec ${strace} sh -c 'engine start && exec /usr/sbin/sshd -E /var/log/sshd.log'`;
    const [program = '', ...args] = inHost(host, ['sh', '-c', text]);
    const file = openSync(join(folder, 'execve'), 'w', 0o600);
    spawn(program, args, {
      env: hostEnvironment(),
      detached: true,
      stdio: ['ignore', 'ignore', 'ignore', file],
    }).unref();
    closeSync(file);
    const recording = new Recording(host, folder);
    await until(
      `${host}: waiting for its engine to be started under strace`,
      () => recording.started().some(({ args: [name] }) => name === 'dockerd') || undefined,
      30_000,
    );
    await hostsReady([hostNamed(host)]);
    return recording;
  }

  /** All that was started so far. */
  started(): Started[] {
    return startedIn(this.#host, readFileSync(join(this.#folder, 'execve'), 'latin1').split('\n').slice(0, -1));
  }

  /** Runs a shell script on the host through its sshd, given by standard input, and waits until the last program it starts was recorded. */
  async through(script: string, user = 'root'): Promise<readonly Started[]> {
    const mark = `/nowhere/${this.#host}-${Math.random().toString(36).slice(2)}`;
    const ended = await run(sshTo(this.#host, ['sh', '-s'], user), {
      stdin: `${script}\n${mark} 2>/dev/null || true\n`,
    });
    if (ended.code !== 0) throw new Error(`${this.#host}: ${ended.code} ${ended.stderr}`);
    return until(
      `${this.#host}: waiting for the record of what was just started`,
      () => {
        const started = this.started();
        return started.some(({ program }) => program === mark) ? started : undefined;
      },
      10_000,
    );
  }

  /** Forgets it. */
  forget(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

const STRING = '"(?:\\\\x[0-9a-f]{2})*"';
const LIST = `\\[(?:${STRING}(?:, )?)*\\]|NULL`;
const CALL = new RegExp(`^\\d+ +execve(?:at)?\\((?:[^",]+, )?(${STRING}), (${LIST}), (${LIST})`);

/** A call of which not all words could be read: its program was ended by SIGKILL on its way into the kernel, unless strace reports that the call returned. */
const UNREAD = /^\d+ +execve(?:at)?\(.*(?: <(?:detached|unfinished) \.\.\.>|\) += \?(?: <unavailable>)?)$/;
const CAME_BACK = /^\d+ +<\.\.\. execve(?:at)? resumed>.*\) += [^?]/;
/** Other ways in which a call ended that never came back. */
const ENDED = /^\d+ +(?:<\.\.\. execve(?:at)? resumed>|\?\?\?)/;

/** The programs that were started, or attempted, according to strace. Throws on a possible start that it cannot parse completely. */
export function startedIn(host: string, lines: readonly string[]): Started[] {
  const unread = new Map<string, string>();
  return lines.flatMap((line) => {
    const pid = parseInt(line).toString();
    const match = CALL.exec(line);
    if (match)
      return [
        {
          host,
          program: strings(match[1] ?? '')[0] ?? '',
          args: strings(match[2] ?? ''),
          environment: strings(match[3] ?? ''),
        },
      ];
    if (UNREAD.test(line)) unread.set(pid, line);
    else if (CAME_BACK.test(line) ? unread.has(pid) : !ENDED.test(line))
      throw new Error(`${host}: strace says what cannot be read: ${(unread.get(pid) ?? line).slice(0, 300)}`);
    return [];
  });
}

const strings = (text: string): string[] =>
  [...text.matchAll(new RegExp(STRING, 'g'))].map(([each]) =>
    Buffer.from(each.slice(1, -1).replaceAll('\\x', ''), 'hex').toString('utf8'),
  );
