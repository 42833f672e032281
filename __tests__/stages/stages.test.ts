import { describe, expect, test } from '@jest/globals';
import fc from '../support/random.ts';
import type { Deployment } from '../../src/cluster/deployment.ts';
import { asker } from '../../src/engine/asker.ts';
import type { Ask, Fleet } from '../../src/engine/ask.ts';
import { shellLine, type Command } from '../../src/engine/command.ts';
import type { Emit } from '../../src/engine/events.ts';
import { answer, gather } from '../../src/engine/fact.ts';
import type { Outcome } from '../../src/engine/outcome.ts';
import type { Plan } from '../../src/engine/plan.ts';
import type { Proof } from '../../src/engine/proof.ts';
import { apply, plan } from '../../src/engine/runner.ts';
import { Secret } from '../../src/engine/secret.ts';
import { deploymentStages, STAGES } from '../../src/stages/index.ts';
import { deploymentOf, EXTERNAL, TWO } from '../support/deployment.ts';
import { FakeFleet, HIDDEN } from '../support/fake.ts';
import { initialConfiguration } from '../support/key.ts';
import { Model, modelled } from '../support/model.ts';
import { leaksNothing, shown } from '../support/plans.ts';
import { tape } from '../support/tape.ts';
import { PLAN_WORDS } from '../../src/report/words.ts';

const deployment = deploymentOf({ hosts: TWO });
const stagesOf = (of: Deployment = deployment) => deploymentStages(of);

describe('the stages', () => {
  test('have the names and the order that everything else relies on', () => {
    expect(stagesOf().map(({ name }) => name)).toEqual([...STAGES]);
  });

  test('need only earlier stages, and each but the first needs one', () => {
    for (const [i, { name, needs }] of stagesOf().entries()) {
      expect([name, needs.filter((need) => !STAGES.slice(0, i).some((earlier) => earlier === need))]).toEqual([
        name,
        [],
      ]);
      expect(needs.length).toBe(i === 0 ? 0 : 1);
    }
  });

  test('state their purpose, and wait for a limited time', () => {
    for (const { purpose, settleMs } of [...stagesOf(), ...stagesOf(deploymentOf({ database: EXTERNAL }))]) {
      expect(purpose).toMatch(/^\S.{10,}\S$/);
      expect(settleMs).toBeLessThanOrEqual(300_000);
    }
  });
});

describe('on real hosts that are empty', () => {
  test('each stage plans what it can know, with read-only commands', async () => {
    const fleet = new FakeFleet(tape('empty'));
    const planned = await plan(stagesOf().slice(0, -1), { fleet, emit: () => undefined, words: PLAN_WORDS });
    expect(planned.map(({ stage, plan }) => [stage.name, ...shown(plan)])).toMatchObject([
      [
        'preflight',
        expect.stringContaining('= node-01 meets the requirements (engine 20.10.24'),
        expect.stringContaining('= node-02 meets the requirements'),
      ],
      ['swarm-init', '+ node-01 initialise the swarm, advertise 10.77.0.11 (not in any swarm)'],
      ['swarm-join', '+ node-02 join as worker (not in any swarm)'],
      [
        'network-create',
        '+ node-01 overlay kuscia-exchange-cluster 10.200.0.0/24 (absent)',
        ...['node-01', 'node-02'].map(
          (name) => `? ${name} probe alice-probe (after the network; it tests the data path to every other host)`,
        ),
      ],
      [
        'mysql-up',
        '+ node-01 database alice-mysql at 10.77.0.11:3306, volume alice-mysql (absent)',
        expect.stringContaining('? node-01 version, login and owner of the database'),
        '? node-01 database schema kine (if the server has none)',
      ],
      [
        'kuscia-init',
        '+ node-01 Kuscia configuration of alice, with a new domain key (no host has one)',
        '? node-02 copy of the Kuscia configuration (after it was created)',
      ],
      [
        'kuscia-start',
        ...['node-01', 'node-02'].map(
          (name) => `+ ${name} start replica root-kuscia-autonomy-alice (absent) [replicas]`,
        ),
      ],
      [
        'nginx-lb',
        '+ node-01 nginx configuration (absent) [nginx]',
        '+ node-01 load balancer alice-nginx-lb on port 8080 (absent) [nginx]',
      ],
    ]);
  });

  test('verify is red', async () => {
    const [verify] = stagesOf().slice(-1);
    const made = await verify?.plan(asker(new FakeFleet(tape('empty')), () => undefined));
    expect(made?.awaited.length).toBeGreaterThan(10);
    expect(made?.proof).toMatchObject({
      healthy: false,
      nodes: { ready: 0, total: 2 },
      pairs: { connected: 0, total: 2 },
    });
  });
});

describe('on real hosts that are settled', () => {
  test('a second apply changes nothing, and the cluster is healthy', async () => {
    const fleet = new FakeFleet(tape('settled'));
    const proofs: Proof[] = [];
    const emit: Emit = (event) => void (event.is === 'proof' && proofs.push(event.proof));
    const applied = await apply(stagesOf(), { fleet, emit, words: PLAN_WORDS });
    expect([...applied].filter(([, steps]) => steps.length > 0)).toEqual([]);
    expect(proofs.at(-1)).toMatchObject({
      healthy: true,
      nodes: { ready: 2, total: 2 },
      pairs: { connected: 2, total: 2 },
    });
    // All that all stages ask of a host travels together.
    expect(fleet.trips).toBe(2);
  });

  test('what was changed in the cluster file is planned as a change, and only that', async () => {
    const changed = deploymentOf({
      hosts: TWO,
      memory: 3 * 1024 ** 3,
      loadBalancer: { ...deployment.cluster.loadBalancer, port: 8081 },
    });
    const fleet: Fleet = new FakeFleet([
      ...tape('settled'),
      ...tape('settled').map((take) => ({
        ...take,
        line: take.line.replaceAll('http://10.77.0.11:8080/', 'http://10.77.0.11:8081/'),
      })),
    ]);
    const planned = await plan(stagesOf(changed).slice(0, -1), { fleet, emit: () => undefined, words: PLAN_WORDS });
    expect(
      planned.flatMap(({ plan }) =>
        plan.steps.map(({ host, about, why }) => `${host} ${PLAN_WORDS.what(about)}: ${PLAN_WORDS.why(why)}`),
      ),
    ).toEqual([
      'node-01 replace replica root-kuscia-autonomy-alice: memory 2 GiB -> 3 GiB',
      'node-02 replace replica root-kuscia-autonomy-alice: memory 2 GiB -> 3 GiB',
      'node-01 replace load balancer alice-nginx-lb: port 8080 -> 8081',
    ]);
  });
});

describe('whatever hosts answer', () => {
  const { cluster } = deployment;
  const given = deploymentOf(
    { hosts: TWO },
    {
      repair: true,
      secrets: {
        ...deployment.secrets,
        kusciaConfig: new Secret('c', initialConfiguration()),
        registryPassword: new Secret('r', 'registry-pass-7'),
      },
    },
  );
  const known = Map.groupBy(
    [...tape('empty'), ...tape('settled'), ...tape('odd')],
    ({ host, line }) => `${host}\n${line}`,
  );
  const lost: Outcome = { ended: 'lost', reason: 'reset', stdout: '', stderr: '' };
  const ill: readonly Outcome[] = [
    lost,
    { ended: 'timed-out', afterMs: 20_000, stdout: 'ha', stderr: '' },
    { ended: 'killed', signal: 'SIGKILL', stdout: '', stderr: '' },
    { ended: 'exited', code: 1, stdout: '', stderr: 'permission denied' },
    { ended: 'exited', code: 0, stdout: '', stderr: '' },
    { ended: 'exited', code: 0, stdout: 'This account is closed.\n', stderr: '' },
  ];

  /** Hosts that answer each line with one of the answers that real hosts gave to it, or with none. */
  const hosts = (
    choices: readonly number[],
  ): Ask & { readonly asked: Command[]; readonly lines: Map<string, Outcome> } => {
    const asked: Command[] = [];
    const lines = new Map<string, Outcome>();
    return {
      asked,
      lines,
      learn: () => undefined,
      reaches: () => true,
      ask: (host, question) =>
        gather(question, (command) => {
          const key = `${host}\n${shellLine(command)}`;
          asked.push(command);
          const possible = [
            ...(known.get(key) ?? []).map(({ outcome }) => outcome),
            ...(known.get(key) ?? []).map(({ outcome }) => outcome),
            ...ill,
          ];
          const outcome =
            lines.get(key) ?? possible[(choices[lines.size % choices.length] ?? 0) % possible.length] ?? lost;
          lines.set(key, outcome);
          return Promise.resolve(outcome);
        }),
    };
  };
  const chosen = fc.array(fc.nat({ max: 1_000 }), { minLength: 1, maxLength: 60 });

  test.each([...STAGES.entries()])(
    'stage %i, %s, queries without changing or revealing anything it must not',
    async (i) => {
      await fc.assert(
        fc.asyncProperty(
          chosen,
          fc.constantFrom(deployment, given, deploymentOf({ hosts: TWO, database: EXTERNAL })),
          async (choices, of) => {
            const ask = hosts(choices);
            const stage = stagesOf(of)[i];
            const made = await stage?.plan(ask);
            expect(ask.asked.filter(({ reads }) => !reads)).toEqual([]);
            for (const command of ask.asked)
              for (const hidden of HIDDEN) expect(shellLine(command)).not.toContain(hidden);
            leaksNothing(made as Plan);
            for (const { host } of [...(made?.steps ?? []), ...(made?.awaited ?? [])])
              expect(cluster.hosts.map(({ name }) => name)).toContain(host);
          },
        ),
        { numRuns: 60 },
      );
    },
  );

  test('no stage is settled while nothing can be read', async () => {
    for (const each of ill.slice(0, 4)) {
      for (const stage of stagesOf()) {
        const made = await stage.plan({
          ask: (_, question) => Promise.resolve(answer(question, each)),
          learn: () => undefined,
          reaches: () => true,
        });
        expect([stage.name, each.ended, made.empty, made.steps.length]).toEqual([stage.name, each.ended, false, 0]);
      }
    }
  });
});

describe('a whole deployment', () => {
  test('runs the commands that were recorded, each on its host, and none with a secret in its line', async () => {
    const model = new Model(deployment);
    for (const { name } of TWO)
      for (const image of ['nginx:1.26', 'mysql:8.0', 'secretflow/kuscia:1.1.0b0']) model.pull(name, image);
    // The server makes it when it starts first.
    model.schema = true;
    const fleet = new FakeFleet(tape('changes'));
    const changing = stagesOf().filter(({ name }) => name !== 'preflight' && name !== 'verify');
    await apply(
      changing.map((stage) => modelled(model, stage, 'run commands')),
      { fleet, emit: () => undefined, words: PLAN_WORDS, checkEveryMs: 1 },
    );
    const recorded = tape('changes').map(({ host, line }) => `${host} ${line}`);
    const ran = new Set(fleet.ran.map(({ host, line }) => `${host} ${line}`));
    expect(recorded.filter((each) => !ran.has(each))).toEqual([]);
    expect(recorded.length).toBeGreaterThan(15);
    for (const { line } of fleet.ran) for (const hidden of HIDDEN) expect(line).not.toContain(hidden);
  });
});
