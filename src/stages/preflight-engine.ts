import type { Cluster, Host } from '../cluster/cluster.ts';
import type { Engine } from '../docker/facts.ts';
import type { Network } from '../docker/networks.ts';
import type { Setup } from '../host/setup.ts';
import { SOCKET } from '../host/setup-script.ts';
import { REQUIRED } from '../kuscia/requirements.ts';
import { compareVersions } from '../engine/versions.ts';
import { otherEngineRemedy } from './engine-silent.ts';
import type { Finding } from './finding.ts';
import { exhausted, GATEWAY_BRIDGE, poolsText } from './pools.ts';
import { kernelFindings } from './preflight-kernel.ts';
import { proxyFindings } from './preflight-proxy.ts';

/** What is known of Docker on a host. */
export interface Docker {
  /** Undefined if it does not answer. */
  readonly engine: Engine | undefined;
  readonly setup: Setup | undefined;
  readonly networks: readonly Network[] | undefined;
  /** Destinations of the host's routes. */
  readonly routes: readonly string[] | undefined;
}

const DAEMON = '/etc/docker/daemon.json';
const RESTART = 'systemctl restart docker';

/** What in a host's Docker does not fit a swarm, its overlay network, or Kuscia's containers. */
export function dockerFindings(cluster: Cluster, host: Host, docker: Docker): Finding[] {
  const { engine, setup } = docker;
  const findings = engine
    ? [...engineFindings(engine), ...logFindings(engine, setup), ...poolFindings(engine, docker)]
    : [];
  if (setup === undefined) return findings;
  const ofEngine = engine
    ? [...otherEngineFindings(engine, setup), ...ruleFindings(engine, docker, setup)]
    : fileFindings(setup);
  return [
    ...findings,
    ...optionFindings(setup),
    ...ofEngine,
    ...proxyFindings(cluster, setup.proxies),
    ...kernelFindings(host, setup),
  ];
}

/** Source: Docker docs, engine/daemon/live-restore; moby refuses to start, init and join with it. */
const liveRestore = (evidence: string): Finding => ({
  what: 'live-restore is enabled, which is incompatible with swarm mode',
  evidence,
  remedy:
    `On that host, remove "live-restore" from ${DAEMON} (or --live-restore from the arguments of dockerd), ` +
    'then: systemctl reload docker (systemctl start docker if it does not run).',
});

/**
 * According to the configuration file of an engine that does not answer: it may be the cause, and is in any case one
 * more thing to fix.
 */
const fileFindings = ({ options }: Setup): Finding[] =>
  options
    .filter(({ name, value }) => name === 'live-restore' && value === 'true')
    .map(({ where }) => liveRestore(`${where}: "live-restore": true`));

/** According to the engine itself. */
function engineFindings(engine: Engine): Finding[] {
  const findings: Finding[] = [];
  if (compareVersions(engine.version, REQUIRED.engine) < 0) {
    findings.push({
      what: `Docker Engine ${engine.version} is too old`,
      evidence: 'older engines do not let Kuscia create threads (kuscia#984)',
      remedy: `Install ${REQUIRED.engine} or newer.`,
    });
  }
  if (engine.liveRestore) findings.push(liveRestore('docker info: LiveRestoreEnabled true'));
  // Source: Docker docs, engine/network/firewall-nftables: rules of overlay networks need iptables.
  if (engine.firewall.startsWith('nftables')) {
    findings.push({
      what: 'the Docker Engine uses nftables, with which swarm mode cannot be enabled',
      evidence: `docker info: FirewallBackend ${engine.firewall}`,
      remedy: `On that host, set "firewall-backend": "iptables" in ${DAEMON}, then: ${RESTART}.`,
    });
  }
  return [...findings, ...userFindings(engine)];
}

const hasOption = ({ securityOptions }: Engine, name: string): boolean =>
  securityOptions.some((option) => option.split(',').includes(`name=${name}`));

/** The user that the engine and its containers run as. */
function userFindings(engine: Engine): Finding[] {
  // Source: Docker docs, engine/security/rootless, known limitations: no overlay network.
  if (hasOption(engine, 'rootless')) {
    return [
      {
        what: 'the Docker Engine is rootless, and a rootless engine has no overlay networks',
        evidence: 'docker info: SecurityOptions name=rootless',
        remedy:
          "Use the host's own engine: systemctl enable --now docker, add the login to the group docker, then as " +
          'that login: docker context use default; unset DOCKER_HOST.',
      },
    ];
  }
  if (!hasOption(engine, 'userns')) return [];
  return [
    {
      what: 'userns-remap is enabled: containers cannot read the files that only the login may read',
      evidence: `docker info: SecurityOptions name=userns, Docker Root Dir ${engine.rootDir}`,
      remedy:
        `On that host, remove "userns-remap" from ${DAEMON}, then: ${RESTART}. ` +
        `Images and containers of the remapped engine stay in ${engine.rootDir}, but without the option they are not ` +
        'visible.',
    },
  ];
}

/**
 * Since Docker 20.10, `docker logs` also works with any other driver, unless that is switched off. Source: Docker docs,
 * engine/logging/dual-logging.
 */
function logFindings({ logDriver }: Engine, setup: Setup | undefined): Finding[] {
  const uncached = setup?.options.some(({ name, value }) => name === 'cache-disabled' && value === 'true') === true;
  if (logDriver !== 'none' && !(uncached && !['', 'json-file', 'local', 'journald'].includes(logDriver))) return [];
  return [
    {
      what: 'containers keep no logs on the host, so the cause of a failure cannot be found in them',
      evidence:
        'docker info: LoggingDriver ' +
        `${logDriver}${logDriver === 'none' ? '' : `; ${DAEMON}: "cache-disabled": "true"`}`,
      remedy:
        `On that host, set "log-driver": "local" in ${DAEMON}, then: ${RESTART}. ` +
        'Existing containers keep their log driver until they are recreated.',
      advice: true,
    },
  ];
}

/** According to the options given to the daemon. */
function optionFindings({ options }: Setup): Finding[] {
  return options
    .filter(isIptablesOff)
    .map(({ where }) => ({
      what:
        'the Docker Engine is not allowed to manage firewall rules (iptables: false): ' +
        'containers cannot reach other hosts, and their published ports cannot be reached',
      evidence: where === 'dockerd' ? 'dockerd runs with --iptables=false' : `${where}: "iptables": false`,
      remedy:
        'On that host, remove ' +
        (where === 'dockerd' ? '--iptables=false from the arguments of dockerd' : `"iptables": false from ${where}`) +
        `, then: ${RESTART}.`,
    }));
}

const isIptablesOff = ({ name, value }: Setup['options'][number]): boolean => name === 'iptables' && value === 'false';

/** A rootless engine is usually reached in such a way, and is reported already. */
const otherEngineFindings = (engine: Engine, { elsewhere }: Setup): Finding[] =>
  (hasOption(engine, 'rootless') ? [] : elsewhere).map(({ by, at }) => ({
    what: `the login's docker uses the engine at ${at}, not the one at ${SOCKET}`,
    evidence: `set by ${by}`,
    remedy: otherEngineRemedy(by),
  }));

/**
 * Reloading a firewall removes Docker's rules; only the engine creates them, when it starts (moby#16816). A login that
 * may not read rules knows nothing of them.
 */
function ruleFindings(engine: Engine, { networks }: Docker, { rules, options }: Setup): Finding[] {
  if (rules === undefined || engine.firewall.startsWith('nftables') || options.some(isIptablesOff)) return [];
  const missing = missingRules(rules, networks ?? []);
  if (missing.length === 0) return [];
  return [
    {
      what: "Docker's firewall rules are missing",
      evidence: `iptables-save shows none of: ${missing.join(', ')}`,
      cause: 'they were removed after the engine had started, as a reload or flush of the firewall does (moby#16816)',
      remedy:
        `Restart the Docker Engine on that host, which recreates them: ${RESTART}. ` +
        'Its containers stop and, with a restart policy, start again. Then run again.',
    },
  ];
}

/**
 * Which of Docker's rules are missing, in words: its chains, the jumps to them, and what lets containers out of these
 * networks.
 */
export function missingRules(rules: readonly string[], networks: readonly Network[]): string[] {
  const lacks = (table: string, rule: RegExp): boolean =>
    !rules.some((line) => line.startsWith(`${table} `) && rule.test(line.slice(table.length + 1)));
  const unmasked = networks
    .filter(({ name, masquerade }) => masquerade && ['bridge', GATEWAY_BRIDGE].includes(name))
    .flatMap(({ name, subnets }) => subnets.map((subnet) => ({ name, subnet })))
    .filter(({ subnet }) => lacks('nat', new RegExp(`^-A .* -s ${subnet.replaceAll('.', '\\.')} `)));
  return [
    ...['nat', 'filter'].filter((table) => lacks(table, /^:DOCKER /)).map((table) => `chain DOCKER of table ${table}`),
    ...(lacks('nat', /^-A PREROUTING .*-j DOCKER/) ? ['the jump from PREROUTING to DOCKER'] : []),
    ...(lacks('filter', /^-A FORWARD .*-j DOCKER/) ? ['the jump from FORWARD to DOCKER'] : []),
    ...unmasked.map(({ name, subnet }) => `MASQUERADE of ${name} (${subnet})`),
  ];
}

/**
 * A host that was never in a swarm needs one more subnet, for the network by which containers on the overlay reach the
 * outside.
 */
function poolFindings(engine: Engine, { networks, routes, setup }: Docker): Finding[] {
  if (networks === undefined || routes === undefined || networks.some(({ name }) => name === GATEWAY_BRIDGE)) return [];
  const count = exhausted(engine, { networks, routes, onLink: setup?.onLink ?? [] });
  if (count === undefined) return [];
  const own = networks.filter(({ scope, subnets }) => scope === 'local' && subnets.length > 0).map(({ name }) => name);
  const some = `${own.slice(0, 3).join(', ')}${own.length > 3 ? ', ...' : ''}`;
  return [
    {
      what: `no address pool is left for the network ${GATEWAY_BRIDGE}, which the swarm needs`,
      evidence:
        `all ${count} pools (${poolsText(engine)}) are taken by ${own.length} networks of Docker (${some}) and by ` +
        'routes',
      remedy:
        'On that host, remove unused networks: docker network prune. ' +
        `Or add pools ("default-address-pools" in ${DAEMON}), then: ${RESTART}.`,
    },
  ];
}
