import { z } from 'zod';
import { checked } from './kinds.ts';
import { contains, dotted, ipv4, parseSubnet, subnetText, UNUSABLE } from './subnet.ts';

const NO_PORT = 'is no port (a whole number from 1 to 65535)';

/** A TCP port. */
export const port = () => z.int({ error: NO_PORT }).min(1, NO_PORT).max(65535, NO_PORT);

const NO_PACKET_SIZE = 'is no size of a packet (a whole number from 576 to 9000)';

/** Bytes of a packet: from what every IPv4 host takes (RFC 791) to jumbo frames. */
export const packetSize = () => z.int({ error: NO_PACKET_SIZE }).min(576, NO_PACKET_SIZE).max(9000, NO_PACKET_SIZE);

const LABEL = '[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?';
const DNS_NAME = new RegExp(`^${LABEL}(\\.${LABEL})*$`);

/** Whether the text is an IPv4 address or a DNS name. */
export function isAddress(value: string): boolean {
  if (ipv4(value) !== undefined) return true;
  return value.length <= 253 && DNS_NAME.test(value) && !/(^|\.)\d+$/.test(value);
}

/** An IPv4 address or a DNS name. */
export const address = (example: string) =>
  checked(example, /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/, (value) => {
    if (value.includes(':'))
      return `is no IPv4 address or DNS name (for example ${example}); IPv6 and ports do not belong here`;
    return isAddress(value) ? undefined : `is no IPv4 address or DNS name (for example ${example})`;
  });

/**
 * An address that means the same machine to everyone: neither loopback nor any other that only the machine itself
 * understands.
 */
export const sharedAddress = (example: string) =>
  address(example).superRefine((value, context) => {
    const number = ipv4(value);
    const unusable =
      number === undefined
        ? /^localhost(\.|$)/i.test(value)
        : UNUSABLE.some((range) => contains(range, dotted(number)));
    if (unusable)
      context.addIssue({
        code: 'custom',
        message:
          'means something else to each machine, and inside a container the container itself: give the address ' +
          'that all hosts reach',
      });
  });

/** An IPv4 address of a host's own. */
export const ownIpv4 = () =>
  sharedAddress('10.0.0.11').superRefine((value, context) => {
    if (ipv4(value) === undefined)
      context.addIssue({ code: 'custom', message: 'is no IPv4 address (for example 10.0.0.11)' });
  });

/** A CIDR block for the overlay network. */
export const cidr = () =>
  checked('10.200.0.0/24', /^\d{1,3}(\.\d{1,3}){3}\/\d{1,2}$/, (value) => {
    const subnet = parseSubnet(value);
    if (!subnet) return 'is no IPv4 subnet (for example 10.200.0.0/24)';
    if (subnetText(subnet) !== value)
      return `does not begin at a network address; did you mean "${subnetText(subnet)}"?`;
    return subnet.prefix < 8 || subnet.prefix > 29 ? 'has a prefix outside /8 to /29' : undefined;
  });

/** A way through another host: its parts, or undefined when the text is none. */
export function bastionParts(value: string): { address: string; user?: string; port?: number } | undefined {
  const match = /^(?:([A-Za-z0-9][A-Za-z0-9_.-]{0,31})@)?([^@:]+)(?::(\d{1,5}))?$/.exec(value);
  const number = match?.[3] === undefined ? undefined : Number(match[3]);
  if (!match || !isAddress(match[2] ?? '') || (number !== undefined && (number < 1 || number > 65535)))
    return undefined;
  return {
    address: match[2] ?? '',
    ...(match[1] === undefined ? {} : { user: match[1] }),
    ...(number === undefined ? {} : { port: number }),
  };
}

/** A bastion as one text. */
export const bastionText = () =>
  checked('ops@bastion.example.org:22', /^([A-Za-z0-9][A-Za-z0-9_.-]*@)?[A-Za-z0-9.-]+(:\d{1,5})?$/, (value) =>
    bastionParts(value) ? undefined : 'is no bastion (user@address:port, of which user@ and :port may be left out)',
  );
