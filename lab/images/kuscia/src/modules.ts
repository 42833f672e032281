import type { Log } from './log.ts';
import { leaseLost } from './noise.ts';

const manager = 'start/manager.go';

/** The lines around a module that comes up: the manager starts it, and later calls it ready. */
export function moduleStarts(log: Log, name: string): void {
  log.info(`${manager}:323`, `Try to start module ${name}`);
  log.info(`${manager}:330`, `[Module] ${name} is created`);
  log.info(`${manager}:173`, `new created module: ${name}`);
}

export function moduleReady(log: Log, name: string): void {
  log.info(`${manager}:183`, `[Module] ${name} is ready now`);
}

/** The first two modules, which wait for nothing. */
export function firstModules(log: Log, home: string): void {
  for (const name of ['coredns', 'nodeexporter']) {
    log.info(`${manager}:161`, `module(${name}) no dep so start`);
    moduleStarts(log, name);
  }
  log.info('modules/coredns.go:175', `Start preparing coredns resolv.conf, root dir ${home}`);
  log.info('supervisor/supervisor.go:75', '[node_exporter] start and watch subprocess');
  log.info('supervisor/supervisor.go:101', '[node_exporter] try to start new process');
  log.info('modules/coredns.go:198', 'Finish preparing coredns resolv.conf');
  log.plain('.:53');
  moduleReady(log, 'coredns');
  moduleStarts(log, 'k3s');
}

/** The modules between k3s and the agent, in the order in which they become ready. */
export const laterModules = [
  'interconn',
  'diagnose',
  'controllers',
  'domainroute',
  'envoy',
  'transport',
  'ssexporter',
  'config',
  'scheduler',
  'datamesh',
  'kusciaapi',
  'reporter',
] as const;

/** The end of a start whose key is not the one of the certificate authority that the container has kept. */
export function noGatewayPair(log: Log): void {
  log.info(`${manager}:323`, 'Try to start module domainroute');
  log.fatal(
    'modules/domainroute.go:73',
    "Generate external keyCert pair error:x509: provided PrivateKey doesn't match parent's PublicKey",
  );
}

/** The last lines of every start that succeeds. */
export function startedLines(log: Log): void {
  const rule = '+'.repeat(70);
  log.info(`${manager}:218`, '[Module] all modules are startup');
  log.info(`${manager}:219`, rule);
  log.info(`${manager}:220`, 'Kuscia started success');
  log.info(`${manager}:221`, rule);
}

/** How the program ends after a module failed, up to its last line; `slow` is the rare way that takes 3 s and ends with 1. Returns the exit code. */
export async function moduleFails(
  log: Log,
  domain: string,
  name: string,
  reason: string,
  slow: boolean,
  wait: (milliseconds: number) => Promise<void>,
): Promise<number> {
  log.info(`${manager}:343`, `[Module] ${name} is finished with err=${reason}`);
  log.info(`${manager}:382`, 'GracefulExit started...');
  log.info(`${manager}:375`, 'Current step modules are finished now');
  for (const module of ['k3s', 'nodeexporter', 'coredns'])
    log.info(`${manager}:361`, `[Module] ${module} notified to exit...`);
  log.info(`${manager}:346`, '[Module] coredns is successful finished');
  const child = slow ? 0 : 21;
  log.warn('supervisor/supervisor.go:175', `Context done, begin to stop process [node_exporter][${child}]`);
  if (slow) await wait(3000);
  else {
    const killed = `process [node_exporter][${child}] only existed 2 ms, less than 3000 ms, with error: signal: interrupt`;
    log.warn('supervisor/supervisor.go:155', `Process [node_exporter][${child}] exit with error: signal: interrupt`);
    log.warn('supervisor/supervisor.go:110', `[node_exporter] run process failed, detail -> ${killed}`);
    log.info(
      `${manager}:343`,
      `[Module] nodeexporter is finished with err=startup process failed at first time, so stop at once, error: ${killed}`,
    );
    log.info(`${manager}:375`, 'Current step modules are finished now');
  }
  log.info('start/start.go:154', `Kuscia Instance [${domain}] shut down`);
  if (slow) {
    log.plain('Error: some modules are not graceful exit, so exit process atonce');
    log.plain('some modules are not graceful exit, so exit process atonce');
  }
  return slow ? 1 : 0;
}

/** The lines of an orderly end, from the signal to the last one but those of k3s. */
export function stoppingLines(log: Log): void {
  log.info('signals/signal.go:42', 'Caught signal terminated. Shutting down...');
  log.info(`${manager}:225`, 'Got process exit signal, so start gracefulExit');
  log.info(`${manager}:382`, 'GracefulExit started...');
  for (const module of ['metricexporter', 'interconn', 'agent']) {
    log.info(`${manager}:361`, `[Module] ${module} notified to exit...`);
    log.info(`${manager}:346`, `[Module] ${module} is successful finished`);
  }
  log.info(`${manager}:375`, 'Current step modules are finished now');
  for (const module of ['k3s', 'kusciaapi', 'envoy'])
    log.info(`${manager}:361`, `[Module] ${module} notified to exit...`);
  log.info(`${manager}:346`, '[Module] kusciaapi is successful finished');
  leaseLost(log);
  log.info(`${manager}:346`, '[Module] scheduler is successful finished');
}

export function stoppedLines(log: Log, domain: string): void {
  log.info(`${manager}:343`, '[Module] k3s is finished with err=context had done, no need to wait to restart');
  log.info(`${manager}:375`, 'Current step modules are finished now');
  log.info(`${manager}:361`, '[Module] domainroute notified to exit...');
  log.info('poller/poll_manager.go:150', 'Shutting down poll manager');
  log.info(`${manager}:346`, '[Module] domainroute is successful finished');
  log.info(`${manager}:375`, 'Current step modules are finished now');
  log.info('start/start.go:154', `Kuscia Instance [${domain}] shut down`);
}
