import { mkdirSync, writeFileSync } from 'node:fs';
import type { Deployment } from '../../src/cluster/deployment.ts';
import { container, containers } from '../../src/docker/containers.ts';
import { engine, swarmNodes } from '../../src/docker/facts.ts';
import type { Fleet } from '../../src/engine/ask.ts';
import { changing, shellLine, type Command } from '../../src/engine/command.ts';
import type { Query } from '../../src/engine/fact.ts';
import { apply } from '../../src/engine/runner.ts';
import { Secret } from '../../src/engine/secret.ts';
import { file, openFile } from '../../src/host/files.ts';
import { lastErrorLines } from '../../src/kuscia/facts.ts';
import { registry } from '../../src/kuscia/registry.ts';
import { databaseState } from '../../src/mysql/facts.ts';
import { greeting } from '../../src/mysql/greeting.ts';
import { PLAN_WORDS } from '../../src/report/words.ts';
import { deploymentStages } from '../../src/stages/index.ts';
import { deploymentOf, EXTERNAL, TWO } from './deployment.ts';
import { labFleet } from './lab-fleet.ts';
import { keyIn, MOMENTS, Recorder, tapeFile, type Recorded, veiled, type Moment, type Take } from './tape.ts';

/** The deployment that is on the tapes. */
export const TAPED: Deployment = deploymentOf({ hosts: TWO });

/** A query in a special situation: the commands that create it, and the environment of the query. */
export interface Odd {
  readonly name: string;
  readonly host: string;
  readonly question: Query<unknown>;
  readonly before?: readonly Command[];
  /** Put before the question's own line, in the real run only. */
  readonly env?: string;
}

const docker = (...args: string[]): Command => changing('bring it about', ['docker', ...args]);
const { cluster } = TAPED;
const wrong = new Secret('database password', 'not-the-password');

/** Situations that a deployment going well never sees. */
export const ODD: readonly Odd[] = [
  { name: 'an engine that is down', host: 'node-01', question: engine, env: 'DOCKER_HOST=unix:///run/no-engine.sock' },
  { name: 'nodes asked of a worker', host: 'node-02', question: swarmNodes },
  { name: 'a wrong database password', host: 'node-01', question: databaseState(cluster, wrong) },
  {
    name: 'an external database that is not there',
    host: 'node-01',
    question: databaseState({ ...cluster, database: EXTERNAL }, wrong),
  },
  { name: 'nothing at the database port', host: 'node-02', question: greeting(cluster, '10.77.0.11', 9) },
  { name: 'no MySQL at the database port', host: 'node-02', question: greeting(cluster, '10.77.0.11', 22) },
  { name: 'a folder where a file should be', host: 'node-01', question: file('kuscia-swarm') },
  {
    name: 'a folder where a file to open should be',
    host: 'node-01',
    question: openFile('kuscia-swarm', 'Kuscia configuration'),
  },
  {
    name: 'a container whose port was taken',
    host: 'node-01',
    question: container('left-behind'),
    before: [docker('run', '--detach', '--name=left-behind', '--publish=8080:80', 'nginx:1.26')],
  },
  {
    name: 'a container that exited',
    host: 'node-01',
    question: container('ended'),
    before: [docker('run', '--name=ended', '--hostname=h', 'nginx:1.26', 'sh', '-c', 'exit 3')],
  },
  {
    name: 'a container that restarts',
    host: 'node-01',
    question: container('again'),
    before: [
      docker('run', '--detach', '--name=again', '--restart=always', 'nginx:1.26', 'sh', '-c', 'exit 4'),
      changing('wait', ['sleep', '4']),
    ],
  },
  { name: "a name that is only part of a container's", host: 'node-01', question: container('alice') },
  { name: 'gateways of a domain that has no replica there', host: 'node-01', question: registry('bob') },
  {
    name: 'the last words of a replica',
    host: 'node-01',
    question: lastErrorLines('dying'),
    before: [
      docker(
        'run',
        '--name=dying',
        'nginx:1.26',
        'sh',
        '-c',
        `echo 'all is well'; echo '2026-11-23 14:23:01.000 FATAL start/start.go:54 Module [k3s] is invalid'; echo bye`,
      ),
    ],
  },
  {
    name: 'ports that are published',
    host: 'node-01',
    question: containers,
    before: [
      docker(
        'run',
        '--detach',
        '--name=many',
        '--publish=21001-21003:81-83',
        '--publish=127.0.0.1:21009:80',
        'nginx:1.26',
      ),
    ],
  },
];

/** What was asked and answered at one moment. */
export type Recording = readonly Recorded[];

/** Deploys to fresh hosts of the lab and records each moment. */
export async function record(): Promise<{
  asked: Record<Exclude<Moment, 'changes'>, Recording>;
  changes: readonly Take[];
}> {
  const stages = deploymentStages(TAPED);
  const look = async (): Promise<Recording> => {
    const recorder = new Recorder(labFleet);
    for (const stage of stages) await stage.plan(recorder);
    return recorder.takes();
  };
  const empty = await look();
  const changes: Take[] = [];
  const fleet: Fleet = {
    async run(host, command) {
      const outcome = await labFleet.run(host, command);
      if (!command.reads || command.purpose.endsWith('join token'))
        changes.push({ host, purpose: command.purpose, line: shellLine(command), outcome });
      return outcome;
    },
  };
  await apply(stages, { fleet, emit: () => undefined, words: PLAN_WORDS });
  const settled = await look();
  return { asked: { empty, settled, odd: await recordOdd() }, changes };
}

async function recordOdd(): Promise<Recording> {
  const recordings: Recorded[] = [];
  for (const { host, question, before = [], env } of ODD) {
    for (const command of before) await labFleet.run(host, command);
    const fleet: Fleet =
      env === undefined
        ? labFleet
        : {
            run: (on, command) =>
              labFleet.run(on, { ...command, program: 'env', args: [env, command.program, ...command.args] }),
          };
    const recorder = new Recorder(fleet);
    await recorder.ask(host, question);
    recordings.push(...(await recorder.takes()));
  }
  return recordings;
}

/** Rewrites the tapes: `npm run lab -- up 2`, `npm run lab -- reset`, then `node __tests__/support/recording.ts`. */
async function write(): Promise<void> {
  const { asked, changes } = await record();
  const key = keyIn(
    changes.find(({ purpose }) => purpose === 'generate the Kuscia configuration')?.outcome.stdout ?? '',
  );
  mkdirSync(new URL('data/', import.meta.url), { recursive: true });
  for (const moment of MOMENTS) {
    const takes = moment === 'changes' ? changes : asked[moment].map(({ take }) => take);
    const kept = takes.map(({ outcome, ...take }) => ({ ...take, outcome: veiled(outcome, key) }));
    writeFileSync(tapeFile(moment), `${JSON.stringify(kept, null, 1)}\n`);
  }
}

if (import.meta.main) await write();
