interface Range {
  readonly first: number;
  readonly last: number;
}

/** The addresses of an IPv4 subnet in CIDR form, as numbers. Undefined when the text is none. */
function range(cidr: string): Range | undefined {
  const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\/(\d+)$/.exec(cidr);
  if (!match) return undefined;
  const [a = 0, b = 0, c = 0, d = 0, prefix = 0] = match.slice(1).map(Number);
  if (Math.max(a, b, c, d) > 255 || prefix > 32) return undefined;
  const size = 2 ** (32 - prefix);
  const address = ((a * 256 + b) * 256 + c) * 256 + d;
  const first = Math.floor(address / size) * size;
  return { first, last: first + size - 1 };
}

/** Whether two IPv4 subnets share an address; false when either is not an IPv4 subnet in CIDR form. */
export function overlap(a: string, b: string): boolean {
  const [one, other] = [range(a), range(b)];
  return one !== undefined && other !== undefined && one.first <= other.last && other.first <= one.last;
}

/** Whether the IPv4 address lies in the subnet. */
export const contains = (subnet: string, address: string): boolean => overlap(subnet, `${address}/32`);

/** Whether the whole subnet is private address space (RFC 1918). */
export function isPrivate(subnet: string): boolean {
  const inner = range(subnet);
  return (
    inner !== undefined &&
    ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'].some((cidr) => {
      const outer = range(cidr);
      return outer !== undefined && outer.first <= inner.first && inner.last <= outer.last;
    })
  );
}
