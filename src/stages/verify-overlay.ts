import type { Cluster } from '../cluster/cluster.ts';
import { contains, parseSubnet } from '../cluster/subnet.ts';
import { valueOf } from '../engine/fact.ts';
import type { Gateway } from '../kuscia/registry.ts';
import { duplicateAddresses, duplicateNames, type Attached, type OnHost, type VerifyFacts } from './verify-facts.ts';

/** What is known of the address that a replica registered. */
export type OverlayAddress =
  | { readonly is: 'own' }
  /** It is not in the subnet of the overlay network. */
  | { readonly is: 'outside' }
  /** Another container on the network has the replica's name. */
  | { readonly is: 'name-shared'; readonly by: Attached }
  /** The replica's container is not known, and with it its address. */
  | { readonly is: 'unknown' }
  /** Its container has another address; '' if it is stopped, undefined if it has none on the network. */
  | { readonly is: 'not-own'; readonly own: string | undefined }
  /** Another container on the network has the same address. */
  | { readonly is: 'shared' };

/** The registered address must be that of the replica's container, within the overlay, and of no other container. */
export function overlayAddress(
  cluster: Cluster,
  facts: Pick<VerifyFacts, 'containers'>,
  onHost: Pick<OnHost, 'host' | 'container'>,
  gateway: Gateway,
): OverlayAddress {
  const { name: network, subnet: text } = cluster.network;
  const subnet = parseSubnet(text);
  if (subnet === undefined || !contains(subnet, gateway.address)) return { is: 'outside' };
  // Two replicas with the same name overwrite each other's entry: which of them wrote last is chance.
  const [duplicate] = duplicateNames(cluster, facts, onHost, gateway.name);
  if (duplicate !== undefined) return { is: 'name-shared', by: duplicate };
  if (onHost.container.is === 'unknown') return { is: 'unknown' };
  const own = valueOf(onHost.container)?.addresses[network];
  if (own !== gateway.address) return { is: 'not-own', own };
  return duplicateAddresses(cluster, facts, onHost).length > 0 ? { is: 'shared' } : { is: 'own' };
}
