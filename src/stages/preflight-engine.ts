import type { Cluster, Host } from '../cluster/cluster.ts';
import type { Engine, Network } from '../docker/facts.ts';
import type { Setup } from '../host/setup.ts';
import { compareVersions, REQUIRED } from '../kuscia/requirements.ts';
import { elsewhereRemedy } from './engine-silent.ts';
import type { Finding } from './finding.ts';
import { exhausted, GATEWAY_BRIDGE, poolsText } from './pools.ts';
import { proxyFindings } from './preflight-proxy.ts';

/** What is known of Docker on a host whose engine answers. */
export interface Docker {
  readonly engine: Engine;
  readonly setup: Setup | undefined;
  readonly networks: readonly Network[] | undefined;
  /** Destinations of the host's routes. */
  readonly routes: readonly string[] | undefined;
}

const DAEMON = '/etc/docker/daemon.json';
const RESTART = 'systemctl restart docker';

/** What of a host's Docker does not fit a swarm, its overlay network, or Kuscia's containers. */
export function dockerFindings(cluster: Cluster, host: Host, docker: Docker): Finding[] {
  const { engine, setup } = docker;
  return [...engineFindings(engine), ...poolFindings(docker), ...(setup ? [...setupFindings(engine, setup), ...ruleFindings(docker, setup), ...proxyFindings(cluster, setup.proxies), ...kernelFindings(host, setup)] : [])];
}

/** By the engine's own words. */
function engineFindings(engine: Engine): Finding[] {
  const findings: Finding[] = [];
  const secured = (name: string): boolean => engine.securityOptions.some((option) => option.split(',').includes(`name=${name}`));
  if (compareVersions(engine.version, REQUIRED.engine) < 0) {
    findings.push({ what: `Docker Engine ${engine.version} is too old`, evidence: 'older engines refuse threads to Kuscia (kuscia#984)', remedy: `Install ${REQUIRED.engine} or newer.` });
  }
  // Source: Docker docs, engine/daemon/live-restore; moby refuses init and join with it.
  if (engine.liveRestore) {
    findings.push({ what: 'the Docker Engine keeps containers alive without it (live-restore), which excludes swarm mode', evidence: 'docker info: LiveRestoreEnabled true', remedy: `Remove "live-restore" from ${DAEMON} there (or --live-restore from the arguments of dockerd), then: systemctl reload docker.` });
  }
  if (secured('rootless')) {
    // Source: Docker docs, engine/security/rootless, known limitations: no overlay network.
    findings.push({ what: 'the Docker Engine is rootless, which has no overlay networks', evidence: 'docker info: SecurityOptions name=rootless', remedy: "Use the host's own engine: systemctl enable --now docker, put the account into group docker, and for that login: docker context use default, no DOCKER_HOST." });
  } else if (secured('userns')) {
    findings.push({
      what: 'the Docker Engine remaps users (userns-remap): containers cannot read the files that only the login may read',
      evidence: `docker info: SecurityOptions name=userns, Docker Root Dir ${engine.rootDir}`,
      remedy: `Remove "userns-remap" from ${DAEMON} there, then: ${RESTART}. Images and containers of the remapped engine stay in ${engine.rootDir} and are not seen any more without it.`,
    });
  }
  // Source: Docker docs, engine/network/firewall-nftables: rules of overlay networks need iptables.
  if (engine.firewall.startsWith('nftables')) {
    findings.push({ what: 'the Docker Engine uses nftables, with which it has no swarm mode', evidence: `docker info: FirewallBackend ${engine.firewall}`, remedy: `Set "firewall-backend": "iptables" in ${DAEMON} there, then: ${RESTART}.` });
  }
  if (engine.logDriver === 'none') {
    findings.push({ what: 'its containers keep no log (log driver none), so no cause of a failure can be found there', evidence: 'docker info: LoggingDriver none', remedy: `Set "log-driver": "local" in ${DAEMON} there, then: ${RESTART}. Containers that exist keep their driver until they are made anew.`, advice: true });
  }
  return findings;
}

/** By how the daemon and the login's client are set up. */
function setupFindings(engine: Engine, { options, elsewhere }: Setup): Finding[] {
  const rootless = engine.securityOptions.includes('name=rootless');
  return [
    ...options.filter(({ name, value }) => name === 'iptables' && value === 'false').map(({ where }) => ({
      what: 'the Docker Engine may make no firewall rules (iptables: false): containers reach no other host, and no port of theirs is reached',
      evidence: where === 'dockerd' ? 'dockerd runs with --iptables=false' : `${where}: "iptables": false`,
      remedy: `Remove ${where === 'dockerd' ? '--iptables=false from the arguments of dockerd' : `"iptables": false from ${where}`} there, then: ${RESTART}.`,
    })),
    // A rootless engine is mostly reached so, and is named already.
    ...(rootless ? [] : elsewhere).map(({ by, at }) => ({ what: `its login talks to another Docker Engine: ${at}`, evidence: `set by ${by}`, remedy: elsewhereRemedy(by) })),
  ];
}

/** A firewall that was reloaded takes Docker's rules away; only the engine makes them, when it starts (moby#16816). Whoever may not read rules knows nothing of them. */
function ruleFindings({ engine, networks }: Docker, { rules, options }: Setup): Finding[] {
  const managed = !engine.firewall.startsWith('nftables') && !options.some(({ name, value }) => name === 'iptables' && value === 'false');
  if (rules === undefined || !managed) return [];
  const lacks = (table: string, rule: RegExp): boolean => !rules.some((line) => line.startsWith(`${table} `) && rule.test(line.slice(table.length + 1)));
  const missing = [
    ...['nat', 'filter'].filter((table) => lacks(table, /^:DOCKER /)).map((table) => `chain DOCKER of table ${table}`),
    ...(lacks('nat', /^-A PREROUTING .*-j DOCKER/) ? ['the way from PREROUTING to DOCKER'] : []),
    ...(lacks('filter', /^-A FORWARD .*-j DOCKER/) ? ['the way from FORWARD to DOCKER'] : []),
    ...(networks ?? [])
      .filter(({ name, masquerade }) => masquerade && ['bridge', GATEWAY_BRIDGE].includes(name))
      .flatMap(({ name, subnets }) => subnets.filter((subnet) => lacks('nat', new RegExp(`^-A .* -s ${subnet.replaceAll('.', '\\.')} `))).map((subnet) => `MASQUERADE of ${name} (${subnet})`)),
  ];
  if (missing.length === 0) return [];
  return [{
    what: "Docker's firewall rules are missing",
    evidence: `iptables-save shows none of: ${missing.join(', ')}`,
    cause: 'something took them away after the engine had started, as a reload or flush of the firewall does (moby#16816)',
    remedy: `Restart the Docker Engine there, which makes them anew: ${RESTART}. Its containers stop and, with a restart policy, start again. Then run again.`,
  }];
}

/** A host that never was in a swarm needs one more subnet for the network by which containers on the overlay reach the outside. */
function poolFindings({ engine, networks, routes, setup }: Docker): Finding[] {
  if (networks === undefined || routes === undefined || networks.some(({ name }) => name === GATEWAY_BRIDGE)) return [];
  const count = exhausted(engine, { networks, routes, onLink: setup?.onLink ?? [] });
  if (count === undefined) return [];
  const own = networks.filter(({ scope, subnets }) => scope === 'local' && subnets.length > 0).map(({ name }) => name);
  return [{
    what: `no address range is left for the network ${GATEWAY_BRIDGE}, which the swarm needs`,
    evidence: `all ${count} ranges (${poolsText(engine)}) are taken by ${own.length} networks of Docker (${own.slice(0, 3).join(', ')}${own.length > 3 ? ', ...' : ''}) and by routes`,
    remedy: `Remove networks there that nothing uses: docker network prune. Or give the engine more ranges ("default-address-pools" in ${DAEMON}), then: ${RESTART}.`,
  }];
}

/** By settings of the host's kernel. */
function kernelFindings({ roles }: Host, { kernel, noTerminal }: Setup): Finding[] {
  const findings: Finding[] = [];
  if (kernel['net.ipv4.ip_forward'] === 0) {
    findings.push({
      what: 'the host forwards no packets: its containers reach no other host, and none reaches them',
      evidence: 'net.ipv4.ip_forward = 0',
      remedy: 'sysctl -w net.ipv4.ip_forward=1 there; and for the next start of the host, net.ipv4.ip_forward = 1 in a file of /etc/sysctl.d that is read last (sysctl --system shows the order).',
    });
  }
  if (roles.includes('replica')) findings.push(...terminalFindings(kernel, noTerminal));
  for (const [name, least] of Object.entries(REQUIRED.inotify)) {
    const value = kernel[name];
    if (value !== undefined && value < least) {
      findings.push({ what: `${name} is ${value}: Kuscia may fail with create_fsnotify_failed (too many open files)`, evidence: `${name} = ${value}, at least ${least} is advised`, remedy: `sysctl -w ${name}=8192 there, and the same in a file of /etc/sysctl.d.`, advice: true });
    }
  }
  return findings;
}

/** kuscia.sh needs a terminal on the host and, for docker exec -it, one in the container; those in containers leave some to the host (kernel.pty.reserve). */
function terminalFindings(kernel: Setup['kernel'], noTerminal: string): Finding[] {
  const needs = 'kuscia.sh runs on a terminal';
  if (noTerminal !== '') return [{ what: `no terminal can be opened, and ${needs}`, evidence: `/dev/ptmx: ${noTerminal}`, remedy: 'Mount the terminals there: mount -t devpts devpts /dev/pts -o gid=5,mode=620,ptmxmode=666; see also sysctl kernel.pty.max.' }];
  const { 'kernel.pty.nr': used, 'kernel.pty.max': max, 'kernel.pty.reserve': reserve = 0 } = kernel;
  if (used === undefined || max === undefined || used < max - reserve) return [];
  return [{ what: `no terminal is left for a container, and ${needs}`, evidence: `kernel.pty.nr = ${used}, kernel.pty.max = ${max}, kernel.pty.reserve = ${reserve}`, remedy: 'End what holds so many terminals there (ls /dev/pts), or raise the limit: sysctl -w kernel.pty.max=8192.' }];
}
