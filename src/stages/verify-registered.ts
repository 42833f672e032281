import { folders } from '../cluster/folders.ts';
import { probeName } from '../docker/probe.ts';
import { valueOf } from '../engine/fact.ts';
import { duplicateAddresses, duplicateNames } from './verify-facts.ts';
import { registryFor } from './verify-matrix.ts';
import { overlayAddress } from './verify-overlay.ts';
import { APPLY, logsRemedy, nameIn, type Explanation, type Scene } from './verify-scene.ts';
import type { Gateway } from '../kuscia/registry.ts';

/** Explains failed checks of what a replica writes to the database by itself. */
export function registered(scene: Scene): Explanation {
  const { facts, onHost, database } = scene;
  if (database !== '')
    return {
      cause: database,
      remedy: 'Fix the database first (see above): replicas recover by themselves within 25 s.',
    };
  const silent = facts.replicas.every(({ registry }) => registry.is !== 'present');
  if (silent) return { cause: "no replica's API server reports what is registered", remedy: logsRemedy(scene) };
  const own = onHost.registry.is === 'unknown' ? { evidence: onHost.registry.why } : {};
  return { ...own, remedy: `A working replica writes its entry every 15 s. ${logsRemedy(scene)}` };
}

/** The entry that the cells were judged by, preferably as reported by the replica itself. */
const gatewayOf = ({ facts, onHost, row }: Scene): Gateway | undefined =>
  registryFor(facts, onHost)?.gateways.find(({ name }) => name === row.replica);

/** Why the address that it registered is not its own. */
export function overlay(scene: Scene): Explanation {
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
      remedy: `${APPLY}: it recreates the container on the network.`,
    };
  const found = overlayAddress(cluster, facts, onHost, gateway);
  if (found.is === 'outside')
    return {
      cause: `it registered an address that is not in ${subnet}: that of another network of its container`,
      remedy:
        'Disconnect the container from its other networks (docker network disconnect), then restart it: docker ' +
        `restart ${nameIn(scene)} on ${host}.`,
    };
  if (found.is === 'shared') return sharedAddress(scene);
  const duplicates = duplicateNames(cluster, facts, onHost, row.replica);
  if (duplicates.length === 0 && gateway.heartbeat < container.startedAt)
    return {
      cause: 'its entry is from an earlier start: it has not registered since',
      remedy: `A replica registers within 20 s of a successful start. ${logsRemedy(scene)}`,
    };
  const places = duplicates
    .map(({ on, name, address }) => `container ${name} on ${on} is also ${row.replica}, at ${address}`)
    .join(', ');
  return {
    cause: 'another machine or container runs a replica under the same name, and both keep overwriting this entry',
    evidence:
      places ||
      `no container on the hosts of the cluster file has ${gateway.address}: check the other nodes of the ` +
        `swarm (docker network inspect ${network})`,
    remedy:
      'Remove the one that does not belong here (docker rm -f). If both are to run, give one host another ' +
      'hostname (hostnamectl set-hostname), restart its Docker Engine, then run the deployment again.',
  };
}

/**
 * The swarm gave one address to two containers, or an engine that restarted before its swarm did chose the address
 * itself.
 */
function sharedAddress(scene: Scene): Explanation {
  const { cluster, facts, onHost } = scene;
  const sharers = duplicateAddresses(cluster, facts, onHost);
  const isProbe = sharers.some(({ name }) => name === probeName(cluster));
  return {
    cause: 'another container has the same address',
    evidence: sharers.map(({ on, name, address }) => `container ${name} on ${on} has ${address}`).join(', '),
    remedy: isProbe
      ? `${APPLY}: it recreates the probe.`
      : `Restart one of them (docker restart ${nameIn(scene)} on ${onHost.host.name}): it gets a new address at ` +
        'every start.',
  };
}

/** Why its domain key is not that of the others. */
export function key(scene: Scene): Explanation {
  const { cluster, onHost } = scene;
  const gateway = gatewayOf(scene);
  if (gateway === undefined || gateway.publicKey === '') return registered(scene);
  const file = valueOf(onHost.file);
  const { config } = folders(cluster);
  return {
    cause: 'the replicas have different domain keys, so handshakes with partners fail on some replicas',
    evidence: file
      ? `${config} on ${onHost.host.name}: sha256 ${file.sha256.slice(0, 12)}, changed ` +
        `${new Date(file.changedAt).toISOString()}`
      : `${config} on ${onHost.host.name} does not exist or cannot be read`,
    remedy:
      `Find out which key the partners know (the column key has the fingerprints). Put the ${config} with that key ` +
      `on every replica's host. Remove the replicas that showed another key (docker rm -f ${nameIn(scene)}; one that ` +
      'is only restarted keeps the certificate of its former key and does not start) and their entries (kubectl ' +
      `delete gateway NAME -n ${cluster.domain}, in another replica), then run again (mode: apply). See also ` +
      'KS-1401: running again does not choose between keys.',
  };
}

/** Why its node is not Ready. */
export function node(scene: Scene): Explanation {
  const { facts, onHost, row, database } = scene;
  const registeredNode = registryFor(facts, onHost)?.nodes.find(({ name }) => name === row.replica);
  if (database === '' && registeredNode?.ready === false)
    return { remedy: `The agent of the replica has not reported for 50 s or more. ${logsRemedy(scene)}` };
  const explanation = registered(scene);
  if (database !== '' || onHost.registry.is === 'present') return explanation;
  return { ...explanation, remedy: `The API server answers once it reaches the database. ${logsRemedy(scene)}` };
}

/** Why its version is not that of the others. */
export function version(scene: Scene): Explanation {
  const { cluster, onHost } = scene;
  const gateway = gatewayOf(scene);
  const container = valueOf(onHost.container);
  if (gateway === undefined || gateway.version === '' || container === undefined) return registered(scene);
  return {
    cause:
      'the replicas run different versions of Kuscia: an upgrade stopped half way, or a tag means another image ' +
      'on one of the hosts',
    evidence: `image on ${onHost.host.name}: ${container.imageId.slice(7, 19)}`,
    remedy:
      `${APPLY}: it recreates replicas of another image, one after the other. If it finds nothing to do, the tag ` +
      `${cluster.image} means different images on the hosts: remove it on one (docker image rm), or name the image ` +
      'by its digest.',
  };
}
