import { hostsWith, type Cluster, type Host, type ManagedDatabase } from '../../src/cluster/cluster.ts';
import type { Deployment } from '../../src/cluster/deployment.ts';
import { absolute, folders } from '../../src/cluster/folders.ts';
import { containers, type Container } from '../../src/docker/containers.ts';
import { engine, swarmNodes, type SwarmNode } from '../../src/docker/facts.ts';
import { networks, type Network } from '../../src/docker/networks.ts';
import { PROBE_VERSION, probeName } from '../../src/docker/probe.ts';
import type { Ask } from '../../src/engine/ask.ts';
import { sha256 } from '../../src/engine/digest.ts';
import { absent, answer, present, unknown, type Fact, type Query } from '../../src/engine/fact.ts';
import type { Step } from '../../src/engine/plan.ts';
import { Secret } from '../../src/engine/secret.ts';
import type { Stage } from '../../src/engine/stage.ts';
import { machine } from '../../src/host/facts.ts';
import { dataSource, readConfiguration, wantedConfiguration } from '../../src/kuscia/configuration.ts';
import { replicaContainer } from '../../src/kuscia/names.ts';
import { DATA_TARGET, PASSWORD_TARGET, ROOT_PASSWORD_TARGET } from '../../src/mysql/commands.ts';
import { inUseText } from '../../src/mysql/in-use.ts';
import type { RootAccess } from '../../src/mysql/root.ts';
import { INSIDE_PORT } from '../../src/nginx/commands.ts';
import { configurationFile, FOLDER, loadBalancerFiles, movingFiles } from '../../src/nginx/configuration.ts';
import { databasePlace } from '../../src/stages/database.ts';
import { GATEWAY_PORT } from '../../src/stages/replica.ts';
import {
  answerOf,
  BRIDGE,
  containerOf,
  engineInside,
  engineOutside,
  gatewayOf,
  machineOf,
  nodeOf,
  NOW,
  overlayOf,
  probeOf,
  registryOf,
  replicaOf,
} from './facts.ts';
import { initialConfiguration } from './key.ts';
import { PLAN_WORDS } from '../../src/report/words.ts';

/** A file of a host of the model. */
interface Kept {
  readonly content: string;
  readonly mode: string;
  readonly changedAt: number;
}

/** The state of a host in the model. */
interface OnHost {
  joined: boolean;
  readonly images: Map<string, string>;
  readonly containers: Map<string, Container>;
  /** By path, as commands name it. */
  readonly files: Map<string, Kept>;
}

/**
 * Who is let in by the server of a managed database, as its volume keeps it, beside what its container was started
 * with.
 */
interface Accounts {
  readonly users: Set<string>;
  /** Root's own password; undefined if it has none. */
  own: string | undefined;
  /** Whether root is let in from everywhere, by the password of the users. */
  isOpen: boolean;
  /** The content of the container's file with root's password; undefined if it has none. */
  inside: string | undefined;
  /** The addresses from which others are logged in as root. */
  readonly sessions: string[];
}

/** How a replica is that has lost its database. */
export type Lame = 'running' | 'restarting' | 'exited';

/** The user in a data source, or in a configuration with one. */
const userIn = (text = ''): string => /mysql:\/\/([^:@/]*):/.exec(text)?.[1] ?? '';

/**
 * Hosts that are no more than what stages ask of them, and that change as the steps of a plan say. What a step does on
 * real hosts the lab shows.
 */
export class Model implements Ask {
  deployment: Deployment;
  lame: Lame = 'running';
  now = NOW;
  network: Network | undefined;
  schema = false;
  /** A host that no other reaches over the overlay network. */
  cut: string | undefined;
  /** Hosts whose nodes are not Ready yet when they are listed the next time. */
  readonly late = new Set<string>();
  /** Nodes that hosts have left behind in the swarm. */
  readonly ghosts: SwarmNode[] = [];
  readonly accounts: Accounts = { users: new Set(), own: undefined, isOpen: false, inside: undefined, sessions: [] };
  /** Digest of the configuration that nginx runs with, and the gateway ports that it forwards to. */
  loaded = '';
  leads: readonly number[] = [];
  readonly #hosts = new Map<string, OnHost>();
  /** The data source that each host's replica was started with. */
  readonly #sources = new Map<string, string>();
  /** Queries to which the model has no answer. */
  readonly unanswered = new Set<string>();

  constructor(deployment: Deployment) {
    this.deployment = deployment;
  }

  get cluster(): Cluster {
    return this.deployment.cluster;
  }

  on(name: string): OnHost {
    const made = this.#hosts.get(name) ?? { joined: false, images: new Map(), containers: new Map(), files: new Map() };
    this.#hosts.set(name, made);
    return made;
  }

  /** Changes a container, if there is one. */
  set(host: string, name: string, changes: Partial<Container>): void {
    const found = this.on(host).containers.get(name);
    if (found) this.on(host).containers.set(name, { ...found, ...changes });
  }

  learn = (): void => undefined;
  reaches = (): boolean => true;

  ask<T>(host: string, question: Query<T>): Promise<Fact<T>> {
    const said = this.#said(host, question);
    return Promise.resolve(
      typeof said === 'string'
        ? answer(question, { ended: 'exited', code: 0, stdout: said, stderr: '' })
        : (said as Fact<T>),
    );
  }

  /** The fact, or the output of the command. */
  #said(name: string, question: Query<unknown>): Fact<unknown> | string {
    const { purpose } = question.command;
    const { cluster } = this;
    const host = this.#host(name);
    const { images, containers: all, files } = this.on(name);
    const runs = (container: string): boolean => all.get(container)?.state === 'running';
    if (question === machine) return present(machineOf(host, { clock: this.now }));
    if (question === engine) return present(this.on(name).joined ? engineInside(host) : engineOutside());
    if (question === swarmNodes)
      return this.on(name).joined
        ? present([...cluster.hosts.flatMap((each) => this.#nodeOf(each)), ...this.ghosts])
        : unknown('no manager');
    if (question === networks)
      return present([BRIDGE, ...(this.network && host.roles.includes('manager') ? [this.network] : [])]);
    if (question === containers) return present([...all.values()]);
    const inspected = /^inspect the container (.*)$/.exec(purpose)?.[1];
    if (inspected !== undefined) {
      const found = all.get(inspected);
      return found ? present(found) : absent;
    }
    if (purpose === 'list the images')
      return JSON.stringify([...images].map(([image, Id]) => ({ Id, RepoTags: [image], RepoDigests: [] })));
    if (purpose === 'read the version of the database image') return present('8.0.40');
    if (purpose === 'try the data path from the probe')
      return runs(probeName(cluster)) ? present(this.#paths(name)) : unknown('no probe');
    if (purpose === 'query the database')
      return this.#answers() ? present(this.#state()) : unknown('no such container');
    if (purpose === 'query the root access of the database')
      return this.#answers() ? present(this.#root()) : unknown('no such container');
    if (purpose.startsWith('read the database user in '))
      return files.has(folders(cluster).config) ? present(userIn(files.get(folders(cluster).config)?.content)) : absent;
    if (purpose.endsWith(' among its addresses'))
      return present({ address: purpose.split(' ')[1], own: [host.address, '172.17.0.1'] });
    if (purpose === 'read which database is in use')
      return cluster.database.kind === 'external' && this.#uses(name, cluster.database)
        ? present('configured')
        : absent;
    if (purpose.startsWith('reach the database at '))
      return runs(probeName(cluster))
        ? present(this.#answers(purpose.split(' ')[4]) ? 'greeted' : 'refused')
        : unknown('no probe');
    if (purpose.startsWith('connect to the database at ')) return present(true);
    if (purpose === 'read the gateways, nodes and tasks')
      return this.#works(host) ? present(this.#registry()) : unknown('exit 1');
    if (purpose === 'read the log of the replica') return present('');
    if (purpose === 'query the gateway inside its container')
      return runs(this.#replica) ? present(this.#gateway(host)) : unknown('not running');
    if (purpose.startsWith('query the gateway at '))
      return runs(probeName(cluster)) ? present(this.#gatewayAt(purpose)) : unknown('no probe');
    if (purpose === 'query the loaded nginx configuration')
      return runs(cluster.loadBalancer.container) ? present(this.loaded) : unknown('not running');
    if (purpose.startsWith('query the load balancer at '))
      return runs(probeName(cluster)) ? present(this.#throughLoadBalancer()) : unknown('no probe');
    const path = /^(?:inspect|read) (\S+)$/.exec(purpose)?.[1];
    if (path === undefined) {
      this.unanswered.add(purpose);
      return unknown('the model does not know');
    }
    const found = files.get(path);
    return found
      ? present({
          mode: found.mode,
          changedAt: found.changedAt,
          sha256: sha256(found.content),
          content: new Secret('file', found.content),
        })
      : absent;
  }

  #host(name: string): Host {
    const host = this.cluster.hosts.find((each) => each.name === name);
    if (!host) throw new Error(`no host ${name}`);
    return host;
  }

  /** The password of the users. */
  get password(): string {
    return this.deployment.secrets.databasePassword.reveal();
  }

  get #replica(): string {
    return replicaContainer(this.cluster, 'root');
  }

  #nodeOf(host: Host): SwarmNode[] {
    if (!this.on(host.name).joined) return [];
    return [nodeOf(host, this.late.delete(host.name) ? { state: 'down' } : {})];
  }

  #paths(from: string): unknown {
    const ended = (to: string): string => {
      if (this.on(to).containers.get(probeName(this.cluster))?.state !== 'running') return 'unresolved';
      return [from, to].includes(this.cut ?? '') ? 'silent' : 'connected';
    };
    const tries = this.cluster.hosts
      .filter(({ name }) => name !== from)
      .map(({ name }) => ({ to: name, ended: ended(name), exit: 0 }));
    return {
      version: PROBE_VERSION,
      missing: [],
      proxies: this.on(from).files.has('proxy of the probe') ? ['http_proxy'] : [],
      unresolved: [],
      tries,
    };
  }

  /** Whether the database answers, at that address if one is given. */
  #answers(at?: string): boolean {
    const { database } = this.cluster;
    const { address } = databasePlace(this.cluster);
    if (database.kind === 'external') return at === undefined || at === `${address}:${database.port}`;
    const container = this.on(database.host).containers.get(database.container);
    return container?.state === 'running' && (at === undefined || at === `${address}:${container.ports['3306/tcp']}`);
  }

  #state(): unknown {
    const { database } = this.cluster;
    return database.kind === 'external' || this.#letsIn(database.user)
      ? { login: 'accepted', version: '8.0.40', exists: this.schema, gateways: [] }
      : { login: 'refused', said: 'ERROR 1045' };
  }

  /** Whether the user is let in from elsewhere by the password of the users. */
  #letsIn = (user: string): boolean => (user === 'root' ? this.accounts.isOpen : this.accounts.users.has(user));

  #root(): RootAccess {
    const { accounts, password, cluster } = this;
    const { host, user } = cluster.database as ManagedDatabase;
    const kept = this.on(host).files.get(folders(cluster).databasePassword)?.content ?? password;
    const login =
      accounts.isOpen && kept === password
        ? 'given'
        : accounts.own !== undefined && accounts.own === accounts.inside
          ? 'own'
          : 'refused';
    if (login === 'refused') return { login };
    const replicas = cluster.hosts
      .filter((each) => this.#works(each) && userIn(this.#sources.get(each.name)) === 'root')
      .map(({ address }) => address);
    return {
      login,
      version: '8.0.40',
      isOpen: accounts.isOpen,
      knowsUser: accounts.users.has(user),
      usedFrom: [...replicas, ...accounts.sessions],
    };
  }

  #uses(host: string, database: Extract<Cluster['database'], { kind: 'external' }>): boolean {
    const { config, databaseInUse } = folders(this.cluster);
    const { files } = this.on(host);
    return (
      files.get(databaseInUse)?.content === inUseText(database) ||
      files.get(config)?.content.includes(`@tcp(${database.address}:${database.port})/`) === true
    );
  }

  #works({ name }: Host): boolean {
    const source = this.#sources.get(name) ?? '';
    const at = /@tcp\((.*)\)/.exec(source)?.[1];
    const isLetIn = this.cluster.database.kind === 'external' || this.#letsIn(userIn(source));
    return (
      this.on(name).containers.get(this.#replica)?.state === 'running' &&
      at !== undefined &&
      this.#answers(at) &&
      isLetIn
    );
  }

  #registry(): unknown {
    const live = this.cluster.hosts.filter((host) => this.#works(host));
    const since = (host: Host): number => this.on(host.name).containers.get(this.#replica)?.startedAt ?? 0;
    return registryOf(this.cluster, live, {
      gateways: live.map((host) => gatewayOf(this.cluster, host, { uptime: since(host), heartbeat: this.now })),
    });
  }

  #gateway(host: Host): unknown {
    return this.#works(host) ? answerOf(this.cluster, host) : { status: 0, domain: '', instance: '', exit: 7 };
  }

  #gatewayAt(purpose: string): unknown {
    const { hostname, port } = new URL(purpose.replace(/^query the gateway at /, ''));
    const host = this.cluster.hosts.find(({ address }) => address === hostname);
    const published = host && this.on(host.name).containers.get(this.#replica)?.ports[GATEWAY_PORT];
    return host && published === Number(port) ? this.#gateway(host) : { status: 0, domain: '', instance: '', exit: 7 };
  }

  #throughLoadBalancer(): unknown[] {
    const { host, container } = this.cluster.loadBalancer;
    if (this.on(host).containers.get(container)?.state !== 'running') return [];
    const led = this.cluster.hosts.filter(
      (each) =>
        this.#works(each) &&
        this.leads.includes(this.on(each.name).containers.get(this.#replica)?.ports[GATEWAY_PORT] ?? 0),
    );
    return led.map((each) => answerOf(this.cluster, each));
  }

  /** Makes the change that the step describes. Throws if it does not know the words. */
  bringAbout({ host, about }: Pick<Step, 'host' | 'about'>): void {
    const what = PLAN_WORDS.what(about);
    this.now += 1_000;
    const effect = EFFECTS.find(([words]) => words.test(what));
    if (!effect) throw new Error(`the model does not know what comes of "${what}"`);
    effect[1](this, host, what);
    // What has lost its database ends in its own way, and comes back by itself where docker starts it again.
    for (const each of this.cluster.hosts) {
      const replica = this.on(each.name).containers.get(this.#replica);
      if (replica?.state === 'running' && !this.#works(each)) this.set(each.name, this.#replica, { state: this.lame });
    }
  }

  pull(host: string, name: string): string {
    const id = this.on(host).images.get(name) ?? `sha256:${sha256(name)}`;
    this.on(host).images.set(name, id);
    return id;
  }

  write(host: string, path: string, content: string, mode = '600'): void {
    this.on(host).files.set(path, { content, mode, changedAt: this.now });
  }

  make(host: string, image: string, container: Container): void {
    this.on(host).containers.set(container.name, {
      ...container,
      image,
      imageId: this.pull(host, image),
      createdAt: this.now,
      startedAt: this.now,
    });
    this.on(host).containers.delete(`${container.name}.former`);
  }

  startReplica(host: string): void {
    this.set(host, this.#replica, { state: 'running', startedAt: this.now });
    this.#sources.set(host, this.on(host).files.get(folders(this.cluster).config)?.content ?? '');
  }

  load(
    host: string,
    { configuration, digest }: { readonly configuration: string; readonly digest: string },
    ports: readonly number[],
  ): void {
    this.write(host, configurationFile(this.cluster), configuration, '644');
    [this.loaded, this.leads] = [digest, ports];
  }
}

const start = (model: Model, host: string, name: string): void => {
  if (name === replicaContainer(model.cluster, 'root')) model.startReplica(host);
  else model.set(host, name, { state: 'running', startedAt: model.now });
};

function configure(model: Model, host: string): void {
  const { config } = folders(model.cluster);
  const base = model.cluster.hosts.flatMap(({ name }) => model.on(name).files.get(config)?.content ?? [])[0];
  const read = readConfiguration(
    model.deployment.secrets.kusciaConfig ?? new Secret('configuration', base ?? initialConfiguration()),
    host,
  );
  model.write(
    host,
    config,
    wantedConfiguration(
      read,
      model.cluster,
      dataSource(model.deployment, databasePlace(model.cluster).address),
    ).reveal(),
  );
}

function makeReplica(model: Model, host: string): void {
  const { cluster } = model;
  const name = replicaContainer(cluster, 'root');
  const former = [
    ...new Set(cluster.hosts.flatMap((each) => model.on(each.name).containers.get(name)?.ports[GATEWAY_PORT] ?? [])),
  ].filter((port) => port !== cluster.ports.gateway);
  if (former.length > 0)
    model.load(cluster.loadBalancer.host, movingFiles(model.deployment, former), [cluster.ports.gateway, ...former]);
  model.make(host, cluster.image, replicaOf(cluster, cluster.hosts.filter((each) => each.name === host)[0] as Host));
  model.startReplica(host);
}

function makeDatabase(model: Model, host: string): void {
  const { database } = model.cluster;
  if (database.kind !== 'managed') return;
  const { databasePassword, databaseRootPassword } = folders(model.cluster);
  const { accounts } = model;
  // Taken out of the container before that is set aside. From one that does not run nobody could take it: root is then
  // lost, which no plan mends.
  if (accounts.inside !== undefined && !model.on(host).files.has(databaseRootPassword))
    model.write(host, databaseRootPassword, accounts.inside);
  if (!model.on(host).files.has(databaseRootPassword))
    model.write(host, databaseRootPassword, `of root, made at ${model.now}`);
  model.write(host, databasePassword, model.password);
  accounts.inside = model.on(host).files.get(databaseRootPassword)?.content;
  if (accounts.own === undefined && !accounts.isOpen) {
    accounts.own = accounts.inside;
    accounts.users.add(database.user);
  }
  const mounts = {
    [DATA_TARGET]: database.volume,
    [PASSWORD_TARGET]: absolute('/root', databasePassword),
    [ROOT_PASSWORD_TARGET]: absolute('/root', databaseRootPassword),
  };
  model.make(
    host,
    database.image,
    containerOf(database.container, {
      ports: { '3306/tcp': database.port },
      hostAddresses: { '3306/tcp': databasePlace(model.cluster).address },
      mounts,
    }),
  );
}

/**
 * Makes of the database what earlier versions made: published at every address, root let in from everywhere by the
 * password of the users, as whom replicas log in where there is no other user.
 */
export function asEarlier(model: Model, user: string): void {
  const { database } = model.cluster;
  if (database.kind !== 'managed') return;
  const { config, databasePassword, databaseRootPassword } = folders(model.cluster);
  model.set(database.host, database.container, {
    hostAddresses: {},
    mounts: { [DATA_TARGET]: database.volume, [PASSWORD_TARGET]: absolute('/root', databasePassword) },
  });
  model.on(database.host).files.delete(databaseRootPassword);
  Object.assign(model.accounts, {
    own: undefined,
    inside: undefined,
    isOpen: true,
    users: new Set([user].filter((each) => each !== 'root')),
  });
  for (const { name } of hostsWith(model.cluster, 'replica')) {
    model.write(
      name,
      config,
      (model.on(name).files.get(config)?.content ?? '').replace(/mysql:\/\/[^:]*:/, `mysql://${user}:`),
    );
    model.startReplica(name);
  }
}

function makeLoadBalancer(model: Model, host: string): void {
  const { image, container, port } = model.cluster.loadBalancer;
  model.make(
    host,
    image,
    containerOf(container, {
      ports: { [INSIDE_PORT]: port },
      mounts: { [FOLDER]: absolute('/root', folders(model.cluster).nginx) },
    }),
  );
  model.load(host, loadBalancerFiles(model.deployment), [model.cluster.ports.gateway]);
}

/** What comes of a step, by its words. */
const EFFECTS: readonly (readonly [RegExp, (model: Model, host: string, what: string) => void])[] = [
  [/^initialise the swarm|^join as /, (model, host) => void (model.on(host).joined = true)],
  [/^overlay /, (model) => void (model.network = overlayOf(model.cluster))],
  [
    /^network /,
    (model) => {
      model.network = undefined;
      for (const { name } of model.cluster.hosts) model.on(name).containers.delete(probeName(model.cluster));
    },
  ],
  [
    /^(replace )?probe /,
    (model, host) => {
      model.on(host).files.delete('proxy of the probe');
      model.make(
        host,
        model.cluster.network.probeImage,
        probeOf(model.cluster, { addresses: { [model.cluster.network.name]: `10.200.0.10${host.slice(-1)}` } }),
      );
    },
  ],
  [/^(replace )?database alice-mysql/, makeDatabase],
  [/^database schema /, (model) => void (model.schema = true)],
  [
    /^user \S+ of database /,
    (model, _, what) => {
      model.accounts.users.add(what.split(' ')[1] ?? '');
      model.schema = true;
    },
  ],
  [
    /^close root of /,
    ({ accounts }) => {
      if (accounts.inside === undefined) throw new Error("the container has no password of root's own");
      Object.assign(accounts, { own: accounts.inside, isOpen: false });
    },
  ],
  [
    /^file with the database password/,
    (model, host) => model.write(host, folders(model.cluster).databasePassword, model.password),
  ],
  [
    /^file with the database root password/,
    (model, host) => model.write(host, folders(model.cluster).databaseRootPassword, model.accounts.inside ?? ''),
  ],
  [
    /^login as /,
    (model, host) => {
      if (model.cluster.database.kind === 'external')
        model.write(host, folders(model.cluster).databaseInUse, inUseText(model.cluster.database));
    },
  ],
  [
    /^Kuscia configuration of .*, with a new domain key/,
    (model, host) => {
      model.pull(host, model.cluster.image);
      configure(model, host);
    },
  ],
  [/^(copy of the )?Kuscia configuration/, configure],
  [/^image /, (model, host, what) => void model.pull(host, what.slice('image '.length))],
  [/^restart replica /, (model, host) => model.startReplica(host)],
  [
    /^(put back|start) (replica|database|probe|load balancer) /,
    (model, host, what) => {
      const name = what.split(' ').at(-1) ?? '';
      const { containers: all } = model.on(host);
      const former = all.get(`${name}.former`);
      if (former) all.set(name, { ...former, name });
      all.delete(`${name}.former`);
      // "start replica" is also the plan's word for creating one.
      if (all.has(name)) start(model, host, name);
      else makeReplica(model, host);
    },
  ],
  [/^replace replica /, makeReplica],
  [
    /^restore the restart policy of /,
    (model, host, what) => model.set(host, what.split(' ').at(-1) ?? '', { restartPolicy: 'always' }),
  ],
  [/^remove \S+$/, (model, host, what) => void model.on(host).containers.delete(what.split(' ')[1] ?? '')],
  [
    /^(reload the )?nginx configuration/,
    (model, host) => model.load(host, loadBalancerFiles(model.deployment), [model.cluster.ports.gateway]),
  ],
  [/^(replace )?load balancer /, makeLoadBalancer],
];

/** The stage as it looks at the model, its steps done in the model by their words; `too` runs their commands before. */
export const modelled = (model: Model, stage: Stage, too?: 'run commands'): Stage => ({
  name: stage.name,
  purpose: stage.purpose,
  needs: stage.needs,
  settleMs: 50,
  plan: async () => {
    const plan = await stage.plan(model);
    // An exception in the middle of a check can end jest as a whole, because other queries are pending.
    if (model.unanswered.size > 0)
      throw new Error(`the model does not know what answers ${[...model.unanswered].join(', ')}`);
    const steps = plan.steps.map(({ undo: _undo, conclude: _conclude, ...step }): Step => ({
      ...step,
      apply: async (act) => {
        if (too) await step.apply({ ...act, ask: (host, question) => model.ask(host, question) });
        model.bringAbout(step);
      },
    }));
    plan.steps.splice(0, plan.steps.length, ...steps);
    return plan;
  },
});
