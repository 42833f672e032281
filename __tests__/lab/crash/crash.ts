import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inRunner } from '../../../lab/enter.ts';
import { paths } from '../../../lab/lab.ts';
import { DATABASE_PASSWORD } from '../deployment/action.ts';

/** What came of a run that was to be killed after so many commands. */
export interface Killed {
  /** The purposes of the commands that had ended on hosts when it was killed, or when it ended by itself: those that count. */
  readonly commands: readonly string[];
  /** The last of them. */
  readonly last: string;
  readonly ended: 'killed' | 'by itself';
}

/** A line that the action prints for each command that has ended: `    node-01: join the swarm: exit 0 (0.4 s)`. */
const COMMAND = /^ {4}(\S+: .+): (?:exit \d+|killed by \S+|timed out .*|connection lost.*) \([\d.]+ m?s\)$/;

/** The purpose of a command, without its numbers (a port, a size). Queries to a host travel together, so there may be several purposes. */
export const kindsOf = (purpose: string): readonly string[] =>
  purpose
    .replace(/^\S+: /, '')
    .replace(/\d+/g, '#')
    .split(', ');

/** How many of its points were tried, in a line that the totals at the end of all tests repeat. */
export const tally = (of: string, tried: number, points: number): string =>
  `crash matrix: ${of}: ${tried} of ${points} points tried\n`;

/** Runs the action on a cluster file and kills it with SIGKILL as soon as so many of its commands that count have ended. */
export function killedAfter(
  cluster: string,
  count: number,
  counts: (purpose: string) => boolean = () => true,
): Promise<Killed> {
  const folder = mkdtempSync(join(tmpdir(), 'crash-'));
  const env = {
    PATH: process.env['PATH'],
    HOME: folder,
    NO_COLOR: '1',
    VERBOSE: '1',
    GITHUB_REPOSITORY: 'acme/ops',
    GITHUB_RUN_ID: '1',
    KUSCIA_SWARM_CLUSTER: cluster,
    KUSCIA_SWARM_DATABASE_PASSWORD: DATABASE_PASSWORD,
    KUSCIA_SWARM_SSH_KEY: readFileSync(paths.sshKey, 'utf8'),
    KUSCIA_SWARM_KNOWN_HOSTS: readFileSync(paths.knownHosts, 'utf8'),
  };
  const [program = '', ...args] = inRunner([
    join(paths.repository, 'node_modules/node/bin/node'),
    join(paths.repository, 'dist/index.cjs'),
  ]);
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const commands: string[] = [];
  let half = '';
  child.stdout.on('data', (chunk: Buffer) => {
    const lines = (half + chunk.toString()).split('\n');
    half = lines.pop() ?? '';
    for (const line of lines) {
      const purpose = COMMAND.exec(line)?.[1];
      if (purpose === undefined || !counts(purpose) || commands.length === count) continue;
      commands.push(purpose);
      if (commands.length === count) child.kill('SIGKILL');
    }
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (_, signal) => {
      rmSync(folder, { recursive: true, force: true });
      resolve({ commands, last: commands.at(-1) ?? 'none', ended: signal === 'SIGKILL' ? 'killed' : 'by itself' });
    });
  });
}
