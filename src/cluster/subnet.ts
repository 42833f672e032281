/** A range of IPv4 addresses, both ends as unsigned 32-bit numbers. */
export interface Subnet {
  readonly first: number;
  readonly last: number;
  /** Prefix length: 24 in 10.200.0.0/24. */
  readonly prefix: number;
}

/** The address as an unsigned 32-bit number; undefined if the text is not a dotted IPv4 address. */
export function ipv4(text: string): number | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255))
    return undefined;
  return parts.reduce((sum, part) => sum * 256 + Number(part), 0);
}

/** Formats the number as a dotted IPv4 address. */
export const dotted = (address: number): string => [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.');

/** Parses a CIDR block, ignoring the host bits. Undefined if the text is not an IPv4 CIDR block. */
export function parseSubnet(text: string): Subnet | undefined {
  const match = /^([\d.]+)\/(\d|[12]\d|3[0-2])$/.exec(text);
  const address = ipv4(match?.[1] ?? '');
  if (!match || address === undefined) return undefined;
  const prefix = Number(match[2]);
  const size = 2 ** (32 - prefix);
  const first = address - (address % size);
  return { first, last: first + size - 1, prefix };
}

/** The range in canonical form: `10.200.0.0/24`. */
export const subnetText = (subnet: Subnet): string => `${dotted(subnet.first)}/${subnet.prefix}`;

/** Whether the two ranges overlap. */
export const overlap = (a: Subnet, b: Subnet): boolean => a.first <= b.last && b.first <= a.last;

/** Whether `outer` contains all of `inner`. */
export const within = (inner: Subnet, outer: Subnet): boolean => outer.first <= inner.first && inner.last <= outer.last;

/** Whether the text is an IPv4 address in the range. */
export function contains(subnet: Subnet, address: string): boolean {
  const number = ipv4(address);
  return number !== undefined && subnet.first <= number && number <= subnet.last;
}

const ranges = (...texts: string[]): readonly Subnet[] => texts.flatMap((text) => parseSubnet(text) ?? []);

/** The private ranges of RFC 1918. */
export const PRIVATE = ranges('10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16');

/** Ranges unusable for hosts or containers: this host, loopback, link-local, multicast and reserved. */
export const UNUSABLE = ranges('0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/3');
