import type { Cluster } from '../../src/cluster/cluster.ts';
import type { Deployment } from '../../src/cluster/deployment.ts';
import { isMatrix, type Matrix } from '../../src/cluster/matrix.ts';
import type { Ask } from '../../src/engine/ask.ts';
import { shellLine } from '../../src/engine/command.ts';
import { failuresOf, withoutConsequences, type Failure } from '../../src/engine/errors.ts';
import type { Event } from '../../src/engine/events.ts';
import { gather } from '../../src/engine/fact.ts';
import type { Outcome } from '../../src/engine/outcome.ts';
import type { Run } from '../../src/engine/run.ts';
import { apply, plan } from '../../src/engine/runner.ts';
import type { HostMode } from '../../src/operations/index.ts';
import type { Task } from '../../src/operations/operation.ts';
import { verify } from '../../src/operations/verify.ts';
import type { Stage } from '../../src/engine/stage.ts';
import type { Subject } from '../../src/report/run-state.ts';
import { PLAN_WORDS } from '../../src/report/words.ts';
import { deploymentStages } from '../../src/stages/index.ts';
import { deploymentOf, hostOf, THREE, TWO } from '../support/deployment.ts';
import { nodeOf } from '../support/facts.ts';
import { modelled, Model } from '../support/model.ts';
import { tape, type Moment } from '../support/tape.ts';

/** All events of a run for a report. */
export interface Told {
  readonly subject: Subject;
  readonly events: readonly Event[];
  readonly failures: readonly Failure[];
}

/** Hosts that answer as the real ones did, each as it did at its moment. */
function taped(moments: Readonly<Record<string, Moment>>): Ask {
  const outcomes = new Map<string, Outcome>(
    [...new Set(Object.values(moments))].flatMap((moment) =>
      tape(moment).map(({ host, line, outcome }) => [`${moment} ${host} ${line}`, outcome] as const),
    ),
  );
  return {
    ask: (host, question) =>
      gather(question, (command) => {
        const take = `${moments[host]} ${host} ${shellLine(command)}`;
        const outcome = outcomes.get(take);
        return outcome ? Promise.resolve(outcome) : Promise.reject(new Error(`not on the tape: ${take}`));
      }),
    learn: () => undefined,
    // The clocks of the hosts are not compared with that of this machine.
    reaches: () => false,
  };
}

const EMPTY = taped({ 'node-01': 'empty', 'node-02': 'empty' });
const SETTLED = taped({ 'node-01': 'settled', 'node-02': 'settled' });
/** One host was reinstalled after the deployment. */
const HALF = taped({ 'node-01': 'settled', 'node-02': 'empty' });

/** The stage as it looks at these hosts. */
const seenBy = (ask: Ask, stage: Stage): Stage => ({ ...stage, plan: () => stage.plan(ask) });

/** A run of the real stages by the real runner. Its times and the domain's key are made the same each time. */
async function told(
  mode: HostMode,
  deployment: Deployment,
  asSeen: (stage: Stage) => Stage | undefined,
  way: (stages: readonly Stage[], run: Run) => Promise<readonly Failure[]>,
): Promise<Told> {
  const stages = deploymentStages(deployment).flatMap((stage) => asSeen(stage) ?? []);
  const events: Event[] = [];
  const emit = (event: Event): void => {
    // How often it looks while it waits is a matter of time.
    if (event.is === 'waiting' && events.some((before) => before.is === 'waiting' && before.stage === event.stage))
      return;
    if (event.is === 'proof' && isMatrix(event.proof)) events.push({ ...event, proof: withoutChance(event.proof) });
    else if (event.is === 'waiting') events.push({ ...event, leftMs: 58_900 });
    else events.push('ms' in event ? { ...event, ms: event.is === 'stage-settled' ? 900 : 640 } : event);
  };
  const fleet: Run['fleet'] = { run: () => Promise.reject(new Error('only the tape and the model are asked')) };
  const failures = await way(stages, { fleet, emit, words: PLAN_WORDS, checkEveryMs: 1 }).catch((thrown) =>
    failuresOf(thrown),
  );
  const subject = { mode, cluster: deployment.cluster, stages: stages.map(({ name }) => name) };
  return { subject, events, failures };
}

const withoutChance = (matrix: Matrix): Matrix => ({
  ...matrix,
  ms: 1_300,
  rows: matrix.rows.map((row) => {
    const { key } = row.cells;
    return { ...row, cells: { ...row.cells, key: { ...key, text: key.text.replace(/^[0-9a-f]{8}$/, 'e3b0c442') } } };
  }),
});

const RECORDED = deploymentOf({ hosts: TWO });

/** What would be changed on the recorded hosts before the deployment. */
const planned = (): Promise<Told> =>
  told(
    'plan',
    RECORDED,
    (stage) => seenBy(EMPTY, stage.preview ? { ...stage, plan: stage.preview } : stage),
    async (stages, run) => withoutConsequences((await plan(stages, run)).flatMap(({ plan }) => plan.failures)),
  );

/** An apply on hosts of the model; preflight asks the recorded ones, of which the model knows nothing. */
const applied = (model: Model, preflight?: Ask): Promise<Told> =>
  told(
    'apply',
    model.deployment,
    (stage) => {
      if (stage.name === 'preflight') return preflight && seenBy(preflight, stage);
      return { ...modelled(model, stage), settleMs: model.cut === undefined ? 60_000 : 100 };
    },
    async (stages, run) => {
      await apply(stages, run);
      return [];
    },
  );

const taskOf = (stages: readonly Stage[], run: Run): Task => ({
  domain: RECORDED.cluster.domain,
  stages,
  all: stages,
  run,
  save: { plan: nothing, outputs: nothing, snapshot: nothing },
  releaseLock: () => Promise.resolve(undefined),
  say: () => undefined,
});
const nothing = (): Promise<void> => Promise.resolve();

const verifiedOn = (ask: Ask): Promise<Told> =>
  told(
    'verify',
    RECORDED,
    (stage) => (stage.name === 'verify' ? seenBy(ask, stage) : undefined),
    (stages, run) => verify.run(taskOf(stages, run)),
  );

/** A first deployment, on which a node takes its time. */
function first(): Promise<Told> {
  const model = new Model(RECORDED);
  model.late.add('node-02');
  return applied(model, EMPTY);
}

/** Another memory and port in the cluster file, once a host has joined the swarm a second time. */
async function changed(): Promise<Told> {
  const model = new Model(RECORDED);
  await applied(model);
  const { cluster } = RECORDED;
  const changes: Partial<Cluster> = { memory: 3 * 1024 ** 3, loadBalancer: { ...cluster.loadBalancer, port: 8081 } };
  model.deployment = deploymentOf({ hosts: TWO, ...changes });
  model.ghosts.push(nodeOf(hostOf(2, 'worker'), { id: 'left-behind', state: 'down' }));
  return applied(model, SETTLED);
}

/** A host that is cut off over the overlay network. */
function failed(): Promise<Told> {
  const model = new Model(deploymentOf({ hosts: THREE }));
  model.cut = 'node-03';
  return applied(model);
}

/** Runs by the names of their golden files. */
export const RUNS = {
  plan: planned,
  apply: first,
  'apply-changed': changed,
  'apply-failed': failed,
  verify: () => verifiedOn(SETTLED),
  'verify-failed': () => verifiedOn(HALF),
} as const satisfies Readonly<Record<string, () => Promise<Told>>>;
