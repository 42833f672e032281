import type { Cluster } from '../cluster/cluster.ts';
import { CHECKS, type CheckName, type MatrixRow } from '../cluster/matrix.ts';
import { describeStop } from '../docker/containers.ts';
import { probeName } from '../docker/probe.ts';
import type { Failure } from '../engine/errors.ts';
import { whyNot } from '../engine/fact.ts';
import { describeAnswer, gatewayScheme, isGateway } from '../kuscia/facts.ts';
import { isSilent, type VerifyFacts } from './verify-facts.ts';
import { key, node, overlay, registered, version } from './verify-registered.ts';
import { APPLY, logsRemedy, nameIn, type Explanation, type Scene } from './verify-scene.ts';

/**
 * A failure for each check of a replica that is not ok. A cause is stated only if what was observed leaves no other;
 * otherwise the logs may show more.
 */
export function cellFailures(
  cluster: Cluster,
  facts: VerifyFacts,
  row: MatrixRow,
  others: Pick<Scene, 'database' | 'loadBalancer'>,
): Failure[] {
  const onHost = facts.replicas.find(({ host }) => host.name === row.host);
  if (onHost === undefined) return [];
  const scene: Scene = { cluster, facts, onHost, row, ...others };
  const failed = (Object.keys(EXPLAINERS) as CheckName[]).filter((name) => !row.cells[name].ok);
  return failed.map((name) => ({
    code: 'cluster-unhealthy',
    host: row.host,
    what: `${row.replica}: ${checkText(row, name)}`,
    ...(explainStopped(scene) ?? EXPLAINERS[name](scene)),
  }));
}

/** What a failed check observed, prefixed by the title of its column. */
function checkText({ cells }: MatrixRow, name: CheckName): string {
  const { text, unknown } = cells[name];
  return unknown === true && text !== 'not known'
    ? `${CHECKS[name]} is not known (${text})`
    : `${CHECKS[name]} is ${text}`;
}

const EXPLAINERS: Readonly<Record<CheckName, (scene: Scene) => Explanation>> = {
  direct,
  throughLb,
  heartbeat: registered,
  overlay,
  key,
  node,
  version,
};

/** If the replica does not exist or does not run, that alone explains all its failed checks. */
function explainStopped(scene: Scene): Explanation | undefined {
  const { onHost } = scene;
  const { name: host } = onHost.host;
  if (isSilent(scene.facts, host))
    return { cause: `${host} does not answer`, remedy: `Check that ${host} is up and reachable, then verify again.` };
  if (onHost.machine.is === 'unknown')
    return {
      cause: `the host cannot be queried: ${onHost.machine.why}`,
      remedy: `Check that ${host} is up and that the login has a POSIX shell there, then verify again.`,
    };
  if (onHost.container.is === 'unknown')
    return {
      cause: `its containers cannot be queried: ${onHost.container.why}`,
      remedy:
        `Check that the Docker Engine of ${host} runs (systemctl status docker) and that the login may use it, then ` +
        'verify again.',
    };
  const name = nameIn(scene);
  const state = onHost.container.is === 'absent' ? 'absent' : describeStop(onHost.container.value);
  if (state === undefined) return undefined;
  return {
    cause: `the replica is not running: its container is ${state}`,
    remedy: `${APPLY}: it starts the replica. If it stops again, docker logs ${name} on ${host} shows why.`,
  };
}

function direct(scene: Scene): Explanation {
  const { cluster, facts, onHost } = scene;
  const { host, answer } = onHost;
  const from = facts.from.name;
  const place = `${host.address}:${cluster.ports.gateway}`;
  const url = `${gatewayScheme(cluster)}://${place}/`;
  if (answer.is !== 'present')
    return { cause: `it could not be queried from ${from}: ${whyNot(answer)}`, remedy: probeRemedy(scene) };
  const { value } = answer;
  if (value.status === 0)
    return {
      remedy:
        `Check that ${from} can reach ${place} (run curl -ki ${url} there) and that no firewall blocks it. ` +
        logsRemedy(scene),
    };
  if (isGateway(cluster, value))
    return {
      cause: `another replica answers at ${place}`,
      remedy:
        `Check that the address of ${host.name} in the cluster file is its own, and that nothing redirects its port ` +
        `${cluster.ports.gateway} elsewhere (NAT, a proxy).`,
    };
  if (value.domain === cluster.domain)
    return {
      cause: `its gateway answers a request without credentials with ${value.status}, not with 401`,
      remedy: logsRemedy(scene),
    };
  if (value.domain !== '')
    return {
      cause: `a gateway of domain ${value.domain} answers at ${place}`,
      remedy: `Give each domain its own ports (ports in the cluster file), or remove the other one from ${host.name}.`,
    };
  return {
    cause: `what answers at ${place} is not a Kuscia gateway`,
    remedy:
      `Find out what listens there (ss -ltnp 'sport = :${cluster.ports.gateway}' on ${host.name}) and whether a ` +
      'proxy is in between; stop it, or choose another port in the cluster file.',
  };
}

/** What to do if the probe could not make the request. */
function probeRemedy({ cluster, facts }: Scene): string {
  const { name: from } = facts.from;
  if (isSilent(facts, from)) return `Check that ${from} is up and reachable, then verify again.`;
  const probe = probeName(cluster);
  if (facts.containers.get(from)?.some(({ name, state }) => name === probe && state === 'running') === true)
    return `The probe on ${from} runs: check the load of that host (uptime, docker stats ${probe}), then verify again.`;
  return `${APPLY}: it starts the probe on ${from}, which queries the replicas and the load balancer.`;
}

function throughLb(scene: Scene): Explanation {
  const { cluster, facts, onHost, row, loadBalancer } = scene;
  const { host: balancer, container } = cluster.loadBalancer;
  if (loadBalancer !== '') return { cause: loadBalancer, remedy: 'Fix the load balancer first (see above).' };
  if (facts.answers.is !== 'present')
    return { cause: `the load balancer could not be queried: ${whyNot(facts.answers)}`, remedy: probeRemedy(scene) };
  const seen =
    [...new Set(facts.answers.value.map((answer) => describeAnswer(cluster, answer)))].join(', ') || 'no answer';
  const evidence = `seen in ${facts.answers.value.length} requests: ${seen}`;
  if (!row.cells.direct.ok && row.cells.direct.unknown !== true)
    return {
      cause: 'the replica does not answer at its own address either',
      evidence,
      remedy: 'Fix that first (see the check direct): nginx forwards to the replica again within 10 s.',
    };
  return {
    evidence,
    remedy:
      `Check that a container on ${balancer} can reach ${onHost.host.name} on ${cluster.ports.gateway}/tcp, and see ` +
      `docker logs ${container} on ${balancer}, which names the upstream that failed.`,
  };
}
