import { describe, expect, test } from '@jest/globals';
import type { Deployment } from '../src/cluster/deployment.ts';
import { folders } from '../src/cluster/folders.ts';
import { changesIn, movedSince, type Change } from '../src/engine/approved.ts';
import { failuresOf } from '../src/engine/errors.ts';
import type { Run } from '../src/engine/run.ts';
import { apply, plan } from '../src/engine/runner.ts';
import { Secret } from '../src/engine/secret.ts';
import type { Stage, Wish } from '../src/engine/stage.ts';
import { PLAN_WORDS } from '../src/report/words.ts';
import { deploymentStages } from '../src/stages/index.ts';
import { clusterOf, deploymentOf, EXTERNAL, hostOf, MANAGED, THREE, TWO } from './support/deployment.ts';
import { imageId } from './support/facts.ts';
import { initialConfiguration } from './support/key.ts';
import { asEarlier, modelled, Model } from './support/model.ts';
import fc from './support/random.ts';

const REPLICA = 'root-kuscia-autonomy-alice';

const changing = (model: Model, wish?: Wish): Stage[] =>
  deploymentStages(model.deployment, wish)
    .filter(({ name }) => name !== 'preflight' && name !== 'verify')
    .map((stage) => modelled(model, stage));

const runOf = (parts: Partial<Run> = {}): Run => ({
  fleet: { run: () => Promise.reject(new Error('only the model is asked')) },
  emit: () => undefined,
  checkEveryMs: 1,
  words: PLAN_WORDS,
  ...parts,
});

const agree = async (model: Model, wish?: Wish): Promise<Change[]> =>
  changesIn(await plan(changing(model, wish), runOf()));

/** A change in words: stage, host, change and the approved reason. */
const lineOf = ({ stage, host, change, about, why }: Change): string =>
  `${stage} ${host} ${change} ${PLAN_WORDS.what(about)}${why ? ` (${PLAN_WORDS.why(why)})` : ''}`;

/**
 * Plans, approves, and applies each stage in a job of its own, or in one for each host. Returns what was approved, and
 * what the jobs rejected.
 */
async function byJobs(
  model: Model,
  perHost = false,
): Promise<{ readonly approved: readonly string[]; readonly refused: readonly string[] }> {
  const approved = await agree(model);
  expect(movedSince(approved, await agree(model), PLAN_WORDS)).toEqual([]);
  const refused: string[] = [];
  const parts = perHost ? model.cluster.hosts.map(({ name }) => ({ hosts: new Set([name]) })) : [{}];
  for (const stage of changing(model)) {
    for (const part of parts) {
      const failures = await apply([stage], runOf({ approved, ...part })).then(() => [], failuresOf);
      refused.push(...failures.map(({ host, what, evidence }) => `${stage.name} ${host}: ${what} (${evidence})`));
    }
  }
  return { approved: approved.map(lineOf), refused };
}

/** A model in which the deployment has been applied. */
async function settled(deployment: Deployment): Promise<Model> {
  const model = new Model(deployment);
  await apply(changing(model), runOf());
  return model;
}

/** One odd thing that a run finds, or one change of the cluster file. */
type Turn = (model: Model) => void;
const file =
  (changes: Partial<Deployment['cluster']>): Turn =>
  (model) =>
    void (model.deployment = { ...model.deployment, cluster: { ...model.cluster, ...changes } });
const container =
  (host: string, name: string, changes: Parameters<Model['set']>[2]): Turn =>
  (model) =>
    model.set(host, name, changes);
const aside =
  (host: string, name: string): Turn =>
  (model) => {
    const { containers } = model.on(host);
    const found = containers.get(name);
    containers.delete(name);
    if (found) containers.set(`${name}.former`, { ...found, name: `${name}.former`, state: 'exited' });
  };
const lame =
  (how: Model['lame']): Turn =>
  (model) =>
    void (model.lame = how);
const tagMoved =
  (image: string): Turn =>
  (model) => {
    for (const { name } of model.cluster.hosts)
      if (model.on(name).images.has(image)) model.on(name).images.set(image, imageId('b'));
  };
const { config, databasePassword, databaseRootPassword } = folders(clusterOf());

const FILE_GONE = 'a password file that is gone';
const ASIDE_WITHOUT_FILE = 'a database that an interrupted run set aside, and no password file';

const TURNS: Readonly<Record<string, Turn>> = {
  'nothing is to be done': () => undefined,
  'other memory': file({ memory: 4 * 1024 ** 3 }),
  'another Kuscia image': file({ image: 'secretflow/kuscia:1.2.0' }),
  'another image of MySQL': file({ database: { ...MANAGED, image: 'mysql:8.0.40' } }),
  'another image of nginx': file({ loadBalancer: { ...clusterOf().loadBalancer, image: 'nginx:1.28' } }),
  'another image of the probes': file({ network: { ...clusterOf().network, probeImage: 'nginx:1.27' } }),
  'a tag of Kuscia that moved': tagMoved('secretflow/kuscia:1.1.0b0'),
  'a tag of nginx that moved, under which probes run too': tagMoved('nginx:1.26'),
  'a tag of MySQL that moved': tagMoved('mysql:8.0'),
  'another port of the database': file({ database: { ...MANAGED, port: 3310 } }),
  'another port of the database, and replicas that docker starts again and again': (model) =>
    [lame('restarting'), file({ database: { ...MANAGED, port: 3310 } })].forEach((turn) => turn(model)),
  'another schema': (model) => {
    model.schema = false;
    file({ database: { ...MANAGED, name: 'kine2' } })(model);
  },
  'a database whose container someone has removed': (model) =>
    void model.on('node-01').containers.delete('alice-mysql'),
  'another user of the database': file({ database: { ...MANAGED, user: 'kine' } }),
  'another gateway port': file({ ports: { ...clusterOf().ports, gateway: 21000 } }),
  'another port of the load balancer': file({ loadBalancer: { ...clusterOf().loadBalancer, port: 8088 } }),
  'no TLS between replicas': file({ protocol: 'NOTLS' }),
  'a host that joined later, with a replica': file({ hosts: [...TWO, hostOf(3, 'worker', 'replica')] }),
  'a database elsewhere': (model) => {
    model.schema = true;
    file({ database: EXTERNAL })(model);
  },
  'probes with a proxy': (model) =>
    model.cluster.hosts.forEach(({ name }) => model.write(name, 'proxy of the probe', '')),
  'a probe with a proxy that ended': (model) => {
    model.write('node-02', 'proxy of the probe', '');
    model.set('node-02', 'alice-probe', { state: 'exited', exitCode: 1 });
  },
  [ASIDE_WITHOUT_FILE]: (model) => {
    model.on('node-01').files.delete(databasePassword);
    aside('node-01', 'alice-mysql')(model);
  },
  'a network that is not attachable': (model) => {
    model.deployment = { ...model.deployment, repair: true };
    for (const { name } of model.cluster.hosts) model.on(name).containers.delete(REPLICA);
    if (model.network) model.network = { ...model.network, attachable: false };
  },
  'a configuration that others may read': (model) =>
    model.write('node-01', config, model.on('node-01').files.get(config)?.content ?? '', '644'),
  'a configuration that is gone': (model) => void model.on('node-02').files.delete(config),
  [FILE_GONE]: (model) => void model.on('node-01').files.delete(databasePassword),
  'a file with the password of root that is gone': (model) =>
    void model.on('node-01').files.delete(databaseRootPassword),
  'a password file with something else in it': (model) => model.write('node-01', databasePassword, 'something else'),
  'a replica that ended': container('node-02', REPLICA, { state: 'exited', exitCode: 137 }),
  'a replica that lacks its restart policy': container('node-02', REPLICA, { restartPolicy: 'no' }),
  'a replica that was never started': container('node-02', REPLICA, { state: 'created' }),
  'a replica that an interrupted run set aside': aside('node-01', REPLICA),
  'a database that ended': container('node-01', 'alice-mysql', { state: 'exited', exitCode: 1 }),
  'a database that an interrupted run set aside': aside('node-01', 'alice-mysql'),
  'a load balancer that ended': container('node-01', 'alice-nginx-lb', { state: 'exited', exitCode: 1 }),
  'nginx with an earlier configuration': (model) => void (model.loaded = 'another'),
  'a probe that ended': container('node-02', 'alice-probe', { state: 'exited', exitCode: 1 }),
};

/** What created the deployment that a run finds. */
const MADE: Readonly<Record<string, Turn>> = {
  'by this version': () => undefined,
  'by an earlier one, whose replicas are root': (model) => asEarlier(model, 'root'),
  'by an earlier one, with its own user': (model) => asEarlier(model, 'kuscia'),
};

/**
 * If root uses the password of the users but its file contains another one, no password for root is known: that is
 * rejected before anything is changed.
 */
const isMendable = (made: string, ...turns: readonly string[]): boolean =>
  !(made.endsWith('replicas are root') && turns.includes('a password file with something else in it'));

/**
 * If a database of an earlier version does not run and its password file no longer exists either, closing its root is
 * left to the next plan: on fresh hosts nothing can be said about it.
 */
const isForetold = (made: string, ...turns: readonly string[]): boolean =>
  made === 'by this version' ||
  !turns.some((turn) => turn === ASIDE_WITHOUT_FILE || (turn === FILE_GONE && turns.length > 1));

/** What must also hold for our own database: nobody can log in as root from elsewhere. */
const isClosed = ({ cluster, accounts }: Model): boolean => cluster.database.kind === 'external' || !accounts.isOpen;

describe.each([
  ['a job for each stage', false],
  ['a job for each stage and host', true],
])('%s applies the approved plan, and rejects nothing', (_, perHost) => {
  const fresh: readonly [string, Deployment][] = [
    ['fresh hosts', deploymentOf({ hosts: TWO })],
    ['three hosts', deploymentOf({ hosts: THREE })],
    ['a database elsewhere', deploymentOf({ hosts: TWO, database: EXTERNAL })],
    [
      'a configuration given by the user',
      deploymentOf(
        { hosts: TWO },
        {
          secrets: {
            ...deploymentOf().secrets,
            kusciaConfig: new Secret('Kuscia configuration', initialConfiguration()),
          },
        },
      ),
    ],
  ];
  test.each(fresh)('%s', async (_, deployment) => {
    const model = new Model(deployment);
    if (deployment.cluster.database.kind === 'external') model.schema = true;
    const { approved, refused } = await byJobs(model, perHost);
    expect(approved).not.toEqual([]);
    expect(refused).toEqual([]);
    expect(await agree(model)).toEqual([]);
  });

  describe.each(Object.entries(MADE))('made %s', (made, before) => {
    test.each(Object.entries(TURNS).filter(([name]) => isMendable(made, name) && isForetold(made, name)))(
      '%s',
      async (name, turn) => {
        const model = await settled(deploymentOf({ hosts: TWO }));
        before(model);
        turn(model);
        const { approved, refused } = await byJobs(model, perHost);
        expect([approved.length === 0, refused]).toEqual([
          name === 'nothing is to be done' && made === 'by this version',
          [],
        ]);
        expect([await agree(model), isClosed(model)]).toEqual([[], true]);
      },
    );
  });

  test.each([
    ['runs', () => undefined],
    ['ended', container('node-01', 'alice-mysql', { state: 'exited' })],
  ] as const)('a database of an earlier version, without a replica on its host, that %s', async (_, turn) => {
    const model = await settled(deploymentOf({ hosts: THREE }));
    asEarlier(model, 'root');
    turn(model);
    expect((await byJobs(model, perHost)).refused).toEqual([]);
    expect([await agree(model), isClosed(model)]).toEqual([[], true]);
  });

  test('a database of an earlier version with someone else logged in as root: root stays open until they log out', async () => {
    const model = await settled(deploymentOf({ hosts: TWO }));
    asEarlier(model, 'root');
    model.accounts.sessions.push('10.77.0.99');
    for (const closed of [false, true]) {
      expect((await byJobs(model, perHost)).refused).toEqual([]);
      expect([await agree(model), isClosed(model)]).toEqual([[], closed]);
      model.accounts.sessions.splice(0);
    }
  });

  test('several of these at once', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...Object.keys(MADE)),
        fc.subarray(Object.keys(TURNS), { minLength: 2, maxLength: 4 }),
        async (made, names) => {
          fc.pre(isMendable(made, ...names) && isForetold(made, ...names));
          // A container that was set aside is put back as it was; only then it shows that its tag has moved as well,
          // and the next plan contains that.
          fc.pre(!(names.some((name) => name.startsWith('a tag')) && names.some((name) => name.includes('set aside'))));
          const model = await settled(deploymentOf({ hosts: TWO }, { upgradesDatabase: true }));
          MADE[made]?.(model);
          for (const name of names) TURNS[name]?.(model);
          expect((await byJobs(model, perHost)).refused).toEqual([]);
          expect([await agree(model), isClosed(model)]).toEqual([[], true]);
        },
      ),
      { numRuns: 90 },
    );
  });
});

describe('planned for removal', () => {
  const containersOf = (model: Model): string[] =>
    model.cluster.hosts.flatMap(({ name }) => [...model.on(name).containers.keys()]);
  const filesOf = (model: Model): string[] =>
    model.cluster.hosts.flatMap(({ name }) => [...model.on(name).files.keys()].map((path) => `${name} ${path}`));

  /** Removes everything, as approved. */
  async function takeAway(model: Model, emit: Run['emit'] = () => undefined): Promise<Change[]> {
    const approved = await agree(model, 'absent');
    await apply(changing(model, 'absent'), runOf({ approved, emit }));
    return approved;
  }

  test('everything is removed in reverse order, and all files stay', async () => {
    const model = await settled(deploymentOf({ hosts: TWO }));
    const files = filesOf(model);
    const told: string[] = [];
    const approved = await takeAway(model, (event) => {
      if (event.is === 'step-started' || event.is === 'step-done') told.push(`${event.is} ${event.step.about.thing}`);
    });
    expect(approved.map(lineOf)).toEqual([
      'nginx-lb node-01 - remove alice-nginx-lb (no longer wanted)',
      ...TWO.map(({ name }) => `kuscia-start ${name} - remove ${REPLICA} (no longer wanted)`),
      'mysql-up node-01 - remove alice-mysql (no longer wanted)',
      ...TWO.map(({ name }) => `network-create ${name} - remove alice-probe (no longer wanted)`),
      'network-create node-01 - network kuscia-exchange-cluster (overlayoverl) (no longer wanted)',
    ]);
    expect([containersOf(model), model.network, filesOf(model)]).toEqual([[], undefined, files]);
    expect(told.indexOf('step-started network')).toBeGreaterThan(told.lastIndexOf('step-done probe'));
  });

  test('nothing has to be done on fresh hosts', async () => {
    expect(await agree(new Model(deploymentOf({ hosts: TWO })), 'absent')).toEqual([]);
  });

  test.each(Object.entries(TURNS))('everything can be created again: %s', async (name, turn) => {
    const model = await settled(deploymentOf({ hosts: TWO }, { upgradesDatabase: true }));
    turn(model);
    const isWrong = name === 'a network that is not attachable';
    await takeAway(model);
    expect([containersOf(model), model.network !== undefined]).toEqual([
      model.cluster.database.kind === 'external' ? ['alice-mysql'] : [],
      isWrong,
    ]);
    expect(await agree(model, 'absent')).toEqual([]);
    await apply(changing(model), runOf());
    expect([await agree(model), isClosed(model)]).toEqual([[], true]);
  });
});
