import type { ChildProcess } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';
import type { Config } from './config.ts';
import { createControllers } from './controllers.ts';
import type { Database } from './database.ts';
import { apiPair, apiToken, gatewayPair, writeKubeconfig } from './files.ts';
import { linkKubeconfig, spawnK3s } from './k3s.ts';
import { kubeServer, type KubeServer } from './kube-server.ts';
import {
  laterModules,
  moduleReady,
  moduleStarts,
  noGatewayPair,
  startedLines,
  stoppedLines,
  stoppingLines,
} from './modules.ts';
import { envoyNotThereYet, nodesBeforeDomain } from './noise.ts';
import { domainCreate, domainQuery } from './kuscia-api.ts';
import { seconds } from './objects.ts';
import { listen, portTable, readIfThere, type Pair } from './ports.ts';
import {
  beat,
  ensureNamespace,
  keepNode,
  nameHolder,
  putNode,
  removeNode,
  renewNodeLease,
  type Replica,
} from './replica.ts';
import { keyPrefix, resource } from './resources.ts';
import { createRoutes, type Routes } from './routes.ts';
import { createAgent } from './tasks.ts';

/** A replica whose k3s part is up. */
export interface Running {
  readonly replica: Replica;
  readonly config: Config;
  readonly database: Database;
  readonly child: ChildProcess | undefined;
  readonly firstStart: boolean;
  readonly token: string;
  fails(module: string, reason: string): Promise<number>;
}

const heartbeat = 15_000;
const restOfStart = 1500;
const stopTime = 1600;

/** Brings up the rest and stays until a signal comes; the exit code. */
export async function run(running: Running): Promise<number> {
  const { replica, config } = running;
  const { log, place, domain } = replica;
  const api = apiPair(place, domain, replica.key, config.protocol !== 'NOTLS');
  const kube = kubeServer(replica.kine, running.token, api);
  writeKubeconfig(place, running.token);
  await kube.open();
  linkKubeconfig(place);
  moduleReady(log, 'k3s');
  const gateway = config.protocol === 'NOTLS' ? api : gatewayPair(place, domain, replica.key);
  if (!gateway) {
    noGatewayPair(log);
    return 1;
  }
  const routes = createRoutes(replica);
  await openPorts(running, gateway, api, routes);

  const timers = new AbortController();
  const uptime = seconds();
  const beats = heartbeats(replica, uptime, running.firstStart, timers.signal);
  for (const module of laterModules) {
    moduleStarts(log, module);
    if (module === 'domainroute') envoyNotThereYet(log);
    await wait((restOfStart / laterModules.length) * place.pace);
    moduleReady(log, module);
  }
  await beats.first;
  const stopped = untilStopped(running, kube, timers);
  const refused = await Promise.race([startAgent(running, timers.signal), stopped]);
  if (refused !== undefined) return refused;
  moduleReady(log, 'agent');
  moduleStarts(log, 'metricexporter');
  moduleReady(log, 'metricexporter');
  startedLines(log);
  void keepGoing(running, kube, routes, timers.signal);
  return stopped;
}

async function openPorts({ replica, config }: Running, gateway: Pair, api: Pair, routes: Routes): Promise<void> {
  const { place, domain, log, key } = replica;
  const table = portTable({
    domain,
    hostname: place.hostname,
    version: place.version,
    protocol: config.protocol,
    token: apiToken(key, domain),
    authority: readIfThere(`${place.home}/var/certs/ca.crt`),
    gateway,
    api,
    handshake: (request) => routes.handshake(request),
    domainQuery: (wanted) => domainQuery(replica, wanted),
    domainCreate: (body) => domainCreate(replica, body),
    requested: (line) => log.info('interceptor/common.go:121', line),
  });
  for (const { port, host, server } of table) await listen(server, port, host);
}

/** The gateway object every 15 s; on the first start of a domain its namespace comes too late for the first try. */
function heartbeats(
  replica: Replica,
  uptime: string,
  firstStart: boolean,
  signal: AbortSignal,
): { first: Promise<void> } {
  const quietly = async (): Promise<void> => void (await beat(replica, uptime).catch(() => false));
  const namespaces = async (): Promise<void> => {
    if (!/\./.test(replica.domain)) await ensureNamespace(replica, replica.domain, replica.domain);
    await ensureNamespace(replica, 'cross-domain');
  };
  const first = (async () => {
    await quietly();
    await namespaces();
  })();
  void (async () => {
    await first;
    await wait(firstStart ? heartbeat * replica.place.pace : heartbeat, undefined, { signal });
    for (;;) {
      await quietly();
      await wait(heartbeat, undefined, { signal });
    }
  })().catch(() => undefined);
  return { first };
}

/** Registers the node; an exit code where that is refused, undefined where it went well. */
async function startAgent({ replica, ...running }: Running, signal: AbortSignal): Promise<number | undefined> {
  const { log } = replica;
  if (!['runp', 'runk', 'runc'].includes(replica.runtime))
    return running.fails('agent', `failed to create provider factory, detail-> unknown runtime: ${replica.runtime}`);
  moduleStarts(log, 'agent');
  log.info('framework/node_controller.go:166', `Configure node ${replica.place.hostname}`);
  for (
    const until = Date.now() + 60_000;
    (await nameHolder(replica)) === 'other machine';
    await wait(5000, undefined, { signal })
  ) {
    if (Date.now() < until) continue;
    log.error('start/manager.go:339', '[Module] agent wait ready failed with wait ready timeout');
    log.info('start/manager.go:382', 'GracefulExit started...');
    await wait(5000);
    log.fatal(
      'commands/root.go:127',
      'Failed to run node controller: client rate limiter Wait returned an error: context canceled',
    );
    return 1;
  }
  await putNode(replica);
  await renewNodeLease(replica);
  log.info('framework/node_controller.go:568', `Created new lease, name=${replica.place.hostname}`);
  log.info('commands/root.go:212', 'Agent started');
  log.info('framework/node_controller.go:206', 'Node is ready');
  return undefined;
}

/** Leases, controllers and routes while the database answers; without it the API is closed and tried again every five seconds. */
async function keepGoing(
  { replica, database, config, child }: Running,
  kube: KubeServer,
  routes: Routes,
  signal: AbortSignal,
): Promise<void> {
  const controllers = createControllers(replica);
  const agent = createAgent(replica);
  let led = false;
  let k3s = child;
  for (let round = 0; !signal.aborted; round++) {
    try {
      await database.rows('SELECT 1');
      if (!kube.isOpen) {
        await kube.open();
        replica.log.info('supervisor/supervisor.go:101', '[k3s] try to start new process');
        k3s = spawnK3s(replica.place, config.domain, config.endpoint);
        await putNodeAgain(replica);
      }
      if (round % 2 === 0) await renewNodeLease(replica);
      if (round % 3 === 2) await keepNode(replica);
      const leads = await controllers.round();
      if (leads && !led)
        nodesBeforeDomain(
          replica.log,
          (await replica.kine.list(keyPrefix(resource('nodes')))).map(({ metadata }) => metadata.name),
          replica.domain,
        );
      led = leads;
      if (leads) await routes.round();
      await agent.round();
      if (round % 150 === 149) await replica.kine.compact();
      await wait(2000, undefined, { signal });
    } catch (error) {
      if (signal.aborted) return;
      k3s?.kill();
      await kube.close();
      const reason = error instanceof Error ? error.message : String(error);
      replica.log.warn('supervisor/supervisor.go:155', 'Process [k3s][741] exit with error: exit status 1');
      replica.log.warn(
        'supervisor/supervisor.go:110',
        `[k3s] run process failed, detail -> process [k3s][741] only existed 79 ms, less than 3000 ms, with error: exit status 1 (${reason})`,
      );
      await wait(5000, undefined, { signal }).catch(() => undefined);
    }
  }
}

// While the database was away from this replica alone, another one may have called its node dead.
async function putNodeAgain(replica: Replica): Promise<void> {
  await renewNodeLease(replica);
  await putNode(replica);
}

/** Waits for SIGTERM or SIGINT and ends in order: the node object goes, the gateway object stays. */
async function untilStopped(
  { replica, database, child }: Running,
  kube: KubeServer,
  timers: AbortController,
): Promise<number> {
  await new Promise<void>((resolve) => {
    process.once('SIGTERM', () => resolve());
    process.once('SIGINT', () => resolve());
  });
  const { log } = replica;
  const since = Date.now();
  timers.abort();
  stoppingLines(log);
  await removeNode(replica).catch(() => undefined);
  await kube.close();
  child?.kill();
  await database.close();
  await wait(Math.max(0, stopTime - (Date.now() - since)));
  stoppedLines(log, replica.domain);
  return 0;
}
