import type { Log } from './log.ts';

// Lines of a replica that works, which look like trouble: whoever searches a log for a cause has to leave them alone.

/** At the start of the module domainroute: the gateway's own metrics are asked for before Envoy listens. */
export function envoyNotThereYet(log: Log): void {
  log.warn(
    'metrics/monitor.go:73',
    'get metrics from envoy failed with Get "http://127.0.0.1:10000/stats?filter=membership_total|membership_healthy&format=json": dial tcp 127.0.0.1:10000: connect: connection refused',
  );
}

/** When the controllers begin to lead: nodes are heard of before the domain is. */
export function nodesBeforeDomain(log: Log, nodes: readonly string[], domain: string): void {
  for (const node of nodes)
    log.error(
      'resource/node_resource_manager.go:310',
      `Get domain ${node} failed with domain.kuscia.secretflow "${domain}" not found`,
    );
}

/** In an orderly end. */
export function leaseLost(log: Log): void {
  log.info('modules/scheduler.go:194', 'Requested to terminate, exiting');
  log.warn('modules/scheduler.go:130', 'Schedule run failed with: lost lease');
}

/** One request to KusciaAPI, with what it was asked and what it answered; the answer may say that something "is invalid". */
export function requestLine(path: string, request: string, code: number, response: string): string {
  return `[HTTP] [POST ${path}] Duration: ${Math.floor(Math.random() * 900 + 100)}.129µs, StatusCode: ${code}, ForwardHost: [], ContextType: [application/json; charset=utf-8], Request: ${request}, Response: ${response}`;
}

/** A partner greets with another key than its certificate here has. */
export function unlikePartner(log: Log, route: string, source: string): string {
  const detail = `source domain [${source}] publickey hash mismatch in domainroute [${route}]`;
  log.error('controller/handshake.go:433', `DestReplyHandshake for [${route}] failed, detail-> ${detail}`);
  return detail;
}

/** A partner greets who has another certificate of this domain than its own. */
export function unlikeOneself(log: Log, route: string, source: string, domain: string): string {
  const detail = `dest domain [${domain}] publickey in source domain [${source}] may be not correct`;
  log.error('controller/handshake.go:571', `${detail}, error: decrypt error, prefix not match`);
  log.error('controller/handshake.go:433', `DestReplyHandshake for [${route}] failed, detail-> ${detail}`);
  return detail;
}

/** What the one who greeted is told by the other side. */
export function handshakeFailed(log: Log, route: string, domain: string, detail: string): void {
  const text = `DomainRoute ${route}: handshake fail, return error:${detail}`;
  log.error('controller/domain_route.go:295', text);
  log.info(
    'queue/queue.go:145',
    `Re-syncing: queue id[domain-route-queue], retry:[1] key[${domain}/${route}]: "${text}", re-queuing (6.786315ms)`,
  );
}
