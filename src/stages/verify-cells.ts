import type { Cluster } from '../cluster/cluster.ts';
import { folders } from '../cluster/folders.ts';
import { CHECKS, type CheckName, type MatrixRow } from '../cluster/matrix.ts';
import { stoppedAs } from '../docker/containers.ts';
import { probeName } from '../docker/probe.ts';
import type { Failure } from '../engine/errors.ts';
import { valueOf, whyNot } from '../engine/fact.ts';
import { describeAnswer, gatewayScheme, isGateway } from '../kuscia/facts.ts';
import type { Gateway } from '../kuscia/registry.ts';
import { replicaContainer } from '../kuscia/names.ts';
import { isSilent, duplicateAddresses, duplicateNames, type OnHost, type VerifyFacts } from './verify-facts.ts';
import { registryFor } from './verify-matrix.ts';

/** What is known where a check is judged. */
interface Scene {
  readonly cluster: Cluster;
  readonly facts: VerifyFacts;
  readonly onHost: OnHost;
  readonly row: MatrixRow;
  /** What of the database (for this replica) and of the load balancer does not work, in words; '' where it does. */
  readonly database: string;
  readonly loadBalancer: string;
}

type Explanation = Pick<Failure, 'cause' | 'evidence' | 'remedy'>;

const APPLY = 'Run the deployment again (mode: apply)';

/**
 * A failure for each check of a replica that is not ok. Its cause is told only where what was seen leaves no other: of
 * the rest the logs may know more.
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
  const red = (Object.keys(EXPLAINERS) as CheckName[]).filter((name) => !row.cells[name].ok);
  return red.map((name) => ({
    code: 'cluster-unhealthy',
    host: row.host,
    what: `${row.replica}: ${said(row, name)}`,
    ...(stopped(scene) ?? EXPLAINERS[name](scene)),
  }));
}

/** What a check that is not ok saw, by the title of its column. */
function said({ cells }: MatrixRow, name: CheckName): string {
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

const nameOn = ({ cluster, onHost }: Scene): string => replicaContainer(cluster, valueOf(onHost.machine)?.user ?? '');

/** Where the replica is not there or does not run, that alone explains whatever is red of it. */
function stopped(scene: Scene): Explanation | undefined {
  const { onHost } = scene;
  const { name: host } = onHost.host;
  if (isSilent(scene.facts, host))
    return {
      cause: `${host} does not answer`,
      remedy: `See that ${host} is up and that it can be reached; then verify again.`,
    };
  if (onHost.machine.is === 'unknown')
    return {
      cause: `the host cannot be asked: ${onHost.machine.why}`,
      remedy: `See that ${host} is up and that the login has a POSIX shell there; then verify again.`,
    };
  if (onHost.container.is === 'unknown')
    return {
      cause: `its containers cannot be asked: ${onHost.container.why}`,
      remedy:
        `See that the Docker Engine of ${host} runs (systemctl status docker) and that the login may use it; then ` +
        'verify again.',
    };
  const name = nameOn(scene);
  const how = onHost.container.is === 'absent' ? 'absent' : stoppedAs(onHost.container.value);
  if (how === undefined) return undefined;
  return {
    cause: `the replica does not run: its container is ${how}`,
    remedy: `${APPLY}: it starts the replica. If it ends again, docker logs ${name} on ${host} says why.`,
  };
}

/** How to see why a replica that runs does not do this. */
const logsOf = (scene: Scene): string =>
  `Look at docker logs ${nameOn(scene)} on ${scene.onHost.host.name} and, in the container, ` +
  `/home/kuscia/var/logs; ${APPLY.toLowerCase()} restarts a replica that does not work.`;

function direct(scene: Scene): Explanation {
  const { cluster, facts, onHost } = scene;
  const { host, answer } = onHost;
  const from = facts.from.name;
  const place = `${host.address}:${cluster.ports.gateway}`;
  const url = `${gatewayScheme(cluster)}://${place}/`;
  if (answer.is !== 'present')
    return { cause: `nobody could ask it from ${from}: ${whyNot(answer)}`, remedy: unasked(scene) };
  const { value } = answer;
  if (value.status === 0)
    return { remedy: `See that ${from} reaches ${place} (curl -ki ${url} there; a firewall?). ${logsOf(scene)}` };
  if (isGateway(cluster, value))
    return {
      cause: `another replica answers at ${place}`,
      remedy:
        `See that the address of ${host.name} in the cluster file is its own, and that nothing leads its port ` +
        `${cluster.ports.gateway} elsewhere (NAT, a proxy).`,
    };
  if (value.domain === cluster.domain)
    return {
      cause: `its gateway answers a request without credentials with ${value.status}, not with 401`,
      remedy: logsOf(scene),
    };
  if (value.domain !== '')
    return {
      cause: `a gateway of domain ${value.domain} answers at ${place}`,
      remedy: `Give each domain ports of its own (ports of the cluster file), or take the other one from ${host.name}.`,
    };
  return {
    cause: `what answers at ${place} is no Kuscia gateway`,
    remedy:
      `See what listens there (ss -ltnp 'sport = :${cluster.ports.gateway}' on ${host.name}) and whether a proxy ` +
      'stands between; end it, or choose another port in the cluster file.',
  };
}

/** What to do where the probe that asks could not. */
function unasked({ cluster, facts }: Scene): string {
  const { name: from } = facts.from;
  if (isSilent(facts, from)) return `See that ${from} is up and that it can be reached; then verify again.`;
  const probe = probeName(cluster);
  if (facts.containers.get(from)?.some(({ name, state }) => name === probe && state === 'running') === true)
    return `The probe on ${from} runs: see the load of that host (uptime, docker stats ${probe}), then verify again.`;
  return `${APPLY}: it starts the probe on ${from}, from which replicas and load balancer are asked.`;
}

function throughLb(scene: Scene): Explanation {
  const { cluster, facts, onHost, row, loadBalancer } = scene;
  const { host: balancer, container } = cluster.loadBalancer;
  if (loadBalancer !== '') return { cause: loadBalancer, remedy: 'Mend the load balancer first, as is said of it.' };
  if (facts.answers.is !== 'present')
    return { cause: `the load balancer could not be asked: ${whyNot(facts.answers)}`, remedy: unasked(scene) };
  const seen =
    [...new Set(facts.answers.value.map((answer) => describeAnswer(cluster, answer)))].join(', ') || 'no answer';
  const evidence = `seen in ${facts.answers.value.length} requests: ${seen}`;
  if (!row.cells.direct.ok && row.cells.direct.unknown !== true)
    return {
      cause: 'the replica does not answer at its own address either',
      evidence,
      remedy: 'Mend that first, as is said of the check direct: nginx leads there again within 10 s.',
    };
  return {
    evidence,
    remedy:
      `See that ${balancer} reaches ${onHost.host.name} on ${cluster.ports.gateway}/tcp from a container, and ` +
      `docker logs ${container} on ${balancer}, which names the upstream that failed.`,
  };
}

/** Of what a replica writes into the database by itself. */
function registered(scene: Scene): Explanation {
  const { facts, onHost, database } = scene;
  if (database !== '')
    return {
      cause: database,
      remedy: 'Mend the database first, as is said of it: replicas go on by themselves within 25 s.',
    };
  const silent = facts.replicas.every(({ registry }) => registry.is !== 'present');
  if (silent) return { cause: "no replica's API server tells what is registered", remedy: logsOf(scene) };
  const own = onHost.registry.is === 'unknown' ? { evidence: onHost.registry.why } : {};
  return { ...own, remedy: `It writes its entry every 15 s. ${logsOf(scene)}` };
}

/** Its entry as the cells were judged by: by its own word first. */
const gatewayOf = ({ facts, onHost, row }: Scene): Gateway | undefined =>
  registryFor(facts, onHost)?.gateways.find(({ name }) => name === row.replica);

function overlay(scene: Scene): Explanation {
  const { cluster, facts, onHost, row } = scene;
  const { name: network, subnet } = cluster.network;
  const gateway = gatewayOf(scene);
  const container = valueOf(onHost.container);
  if (gateway === undefined || container === undefined) return registered(scene);
  const { name: host } = onHost.host;
  const attached = container.addresses[network] ?? '';
  if (attached === '')
    return {
      cause: `its container is not attached to ${network}`,
      remedy: `${APPLY}: it makes the container anew on the network.`,
    };
  if (row.cells.overlay.text.endsWith(' outside'))
    return {
      cause: `it registered an address that is not in ${subnet}: that of another network of its container`,
      remedy:
        'Take the container off its other networks (docker network disconnect), then restart it: docker restart ' +
        `${nameOn(scene)} on ${host}.`,
    };
  if (row.cells.overlay.text.endsWith(' twice')) return sharedAddress(scene);
  const twins = duplicateNames(cluster, facts, onHost, row.replica);
  if (twins.length === 0 && gateway.heartbeat < container.startedAt)
    return {
      cause: 'its entry is of an earlier start: it has not registered since',
      remedy: `It does so within 20 s of a good start. ${logsOf(scene)}`,
    };
  const places = twins
    .map(({ on, name, address }) => `container ${name} on ${on} is ${row.replica}, too, at ${address}`)
    .join(', ');
  return {
    cause: 'another machine or container runs a replica under the same name, and both write this entry in turn',
    evidence:
      places ||
      `no container on the hosts of the cluster file has ${gateway.address}: look on the other nodes of the ` +
        `swarm (docker network inspect ${network})`,
    remedy:
      'Stop the one that does not belong here (docker rm -f). Where both are to run, give one host another ' +
      'hostname (hostnamectl set-hostname), restart its Docker Engine, then run the deployment again.',
  };
}

/**
 * The swarm gave one address to two containers, or an engine that came back before its swarm did chose it by itself.
 */
function sharedAddress(scene: Scene): Explanation {
  const { cluster, facts, onHost } = scene;
  const sharers = duplicateAddresses(cluster, facts, onHost);
  const isProbe = sharers.some(({ name }) => name === probeName(cluster));
  return {
    cause: 'another container has its address, too',
    evidence: sharers.map(({ on, name, address }) => `container ${name} on ${on} has ${address}`).join(', '),
    remedy: isProbe
      ? `${APPLY}: it makes the probe anew.`
      : `Restart one of them (docker restart ${nameOn(scene)} on ${onHost.host.name}): it gets another address at ` +
        'every start.',
  };
}

function key(scene: Scene): Explanation {
  const { cluster, onHost } = scene;
  const gateway = gatewayOf(scene);
  if (gateway === undefined || gateway.publicKey === '') return registered(scene);
  const file = valueOf(onHost.file);
  const { config } = folders(cluster);
  return {
    cause:
      'the replicas have different domain keys: handshakes with partners fail, now with one replica, now with ' +
      'the other',
    evidence: file
      ? `${config} on ${onHost.host.name}: sha256 ${file.sha256.slice(0, 12)}, changed ` +
        `${new Date(file.changedAt).toISOString()}`
      : `${config} on ${onHost.host.name} is not there or cannot be read`,
    remedy:
      `Find out which key the partners know (the fingerprints are in the column key). Put the ${config} with that ` +
      `key on every replica's host, remove the replicas that showed another (docker rm -f ${nameOn(scene)}; one ` +
      'that is only restarted keeps the certificate of its former key and does not start) and their entries ' +
      `(kubectl delete gateway NAME -n ${cluster.domain}, in another replica), and run again (mode: apply). See ` +
      'also KS-1401: running again does not choose between keys.',
  };
}

function node(scene: Scene): Explanation {
  const { onHost, row, database } = scene;
  if (database === '' && row.cells.node.text === 'NotReady')
    return { remedy: `Its agent has not reported for 50 s or more. ${logsOf(scene)}` };
  const told = registered(scene);
  if (database !== '' || onHost.registry.is === 'present') return told;
  return { ...told, remedy: `Its API server answers once it reaches the database. ${logsOf(scene)}` };
}

function version(scene: Scene): Explanation {
  const { cluster, onHost } = scene;
  const gateway = gatewayOf(scene);
  const container = valueOf(onHost.container);
  if (gateway === undefined || gateway.version === '' || container === undefined) return registered(scene);
  return {
    cause:
      'the replicas run different versions of Kuscia: an upgrade stopped half way, or a tag means another image ' +
      'on one host',
    evidence: `image on ${onHost.host.name}: ${container.imageId.slice(7, 19)}`,
    remedy:
      `${APPLY}: it makes replicas of another image anew, one after the other. Where it finds nothing to do, the ` +
      `tag ${cluster.image} differs between the hosts: remove it on one (docker image rm), or name the image by ` +
      'its digest.',
  };
}
