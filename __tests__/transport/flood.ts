import { readFileSync, writeFileSync } from 'node:fs';
import type { Host } from '../../src/cluster/cluster.ts';
import { reading, script } from '../../src/engine/command.ts';
import type { Failure } from '../../src/engine/errors.ts';
import { answer, failedTo, type Query } from '../../src/engine/fact.ts';
import { Secret } from '../../src/engine/secret.ts';
import { openReport } from '../../src/report/index.ts';
import { openFleet } from '../../src/transport/fleet.ts';
import { ALICE } from '../report/alice.ts';

/** Endless output of a host, as a shell script whose "$1" is the number of bytes. */
export const FLOODS: Readonly<Record<string, string>> = {
  'workflow commands': `yes '::add-mask::x' | head -c "$1"`,
  'commands that stop commands': `yes '  ::stop-commands::x' | head -c "$1"`,
  'an endless line': `head -c "$1" /dev/zero | tr '\\0' x`,
  'an endless line of commands': `yes ' ::set-output name=changed::9##[group]x' | head -c "$1" | tr '\\n' ' '`,
  'bytes that are no UTF-8': `head -c "$1" /dev/zero | tr '\\0' '\\377'`,
  'terminal sequences': `yes "$(printf '\\033[2J\\033]0;title\\007\\r::error::x\\033[1A\\302\\2331m')" | head -c "$1"`,
  'empty lines': `yes '' | head -c "$1"`,
  'NUL bytes': `head -c "$1" /dev/zero`,
};

/** Whom to ask, for how many bytes of what, on which output. */
export interface Flooding {
  readonly host: Host;
  readonly keyFile?: string;
  readonly knownHosts?: string;
  readonly floods: readonly (readonly [name: keyof typeof FLOODS, output: 1 | 2, bytes: number])[];
}

/** The result. Sizes in bytes; memory is the maximum of this process. */
export interface Flooded {
  readonly before: number;
  readonly after: number;
  readonly kept: readonly number[];
  readonly ms: readonly number[];
  readonly ended: readonly string[];
}

const largest = (): number => process.resourceUsage().maxRSS * 1024;

/** Queries through a real fleet and reports everything as in GitHub's log. In a separate process, because memory is measured per process. */
async function flood({ host, keyFile, knownHosts, floods }: Flooding): Promise<Flooded> {
  const report = openReport({ GITHUB_ACTIONS: 'true', RUNNER_DEBUG: '1' }, process.stdout);
  report.hide([new Secret('password', 'correct horse')]);
  report.begin({ mode: 'verify', cluster: { ...ALICE, hosts: [host] }, stages: ['verify'] });
  const fleet = openFleet([host], {
    emit: report.emit,
    ...(keyFile !== undefined && { sshKey: new Secret('ssh-key', readFileSync(keyFile, 'utf8')) }),
    ...(knownHosts !== undefined && { knownHosts }),
  });
  await fleet.connectAll();
  const before = largest();
  const [failures, kept, ms, ended]: [Failure[], number[], number[], string[]] = [[], [], [], []];
  for (const [name, output, bytes] of floods) {
    const purpose = `bear ${name}`;
    const question: Query<never> = {
      command: reading(purpose, script(`{ ${FLOODS[name]}; } >&${output}; exit 3`, String(bytes)), {
        timeoutMs: 180_000,
      }),
      read: (outcome) => failedTo(purpose, outcome),
    };
    const started = Date.now();
    const outcome = await fleet.run(host.name, question.command);
    ms.push(Date.now() - started);
    ended.push(outcome.ended === 'exited' ? `exit ${outcome.code}` : outcome.ended);
    kept.push(outcome.stdout.length + outcome.stderr.length);
    const fact = answer(question, outcome);
    failures.push({
      code: 'fact-unknown',
      host: host.name,
      what: fact.is === 'unknown' ? fact.why : '',
      remedy: 'See that it says less.',
    });
    // All kept output: no part of a run reports so much, but if one did, it would be harmless, too.
    report.say(outcome.stdout + outcome.stderr);
  }
  await fleet.close();
  await report.finish(failures);
  return { before, after: largest(), kept, ms, ended };
}

if (import.meta.main)
  writeFileSync(process.argv[3] ?? '', JSON.stringify(await flood(JSON.parse(process.argv[2] ?? '') as Flooding)));
