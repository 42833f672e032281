import { z } from 'zod';
import { checked } from './kinds.ts';
import { contains, dotted, ipv4, parseSubnet, subnetText, UNUSABLE } from './subnet.ts';

const PORT_RULE = 'is not a valid port (a whole number from 1 to 65535)';

/** A TCP port. */
export const port = () => z.int({ error: PORT_RULE }).min(1, PORT_RULE).max(65535, PORT_RULE);

const MTU_RULE = 'is not a valid MTU (a whole number from 576 to 9000)';

/** An MTU in bytes: from the IPv4 minimum (RFC 791) to jumbo frames. */
export const mtu = () => z.int({ error: MTU_RULE }).min(576, MTU_RULE).max(9000, MTU_RULE);

const DNS_LABEL = '[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?';
const DNS_NAME = new RegExp(`^${DNS_LABEL}(\\.${DNS_LABEL})*$`);

/** Whether the text is an IPv4 address or a DNS name. */
function isAddress(value: string): boolean {
  if (ipv4(value) !== undefined) return true;
  return value.length <= 253 && DNS_NAME.test(value) && !/(^|\.)\d+$/.test(value);
}

/** An IPv4 address or a DNS name. */
export const address = (example: string) =>
  checked(example, /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/, (value) => {
    if (value.includes(':'))
      return (
        `is not a valid IPv4 address or DNS name (for example ${example}); IPv6 addresses and ports are not ` +
        `allowed here`
      );
    return isAddress(value) ? undefined : `is not a valid IPv4 address or DNS name (for example ${example})`;
  });

/**
 * An address that means the same machine everywhere: not loopback, link-local or similar.
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
          'means a different machine on each host, and in a container the container itself; use an address that ' +
          'all hosts can reach',
      });
  });

/** An IPv4 address of the host itself. */
export const ownIpv4 = () =>
  sharedAddress('10.0.0.11').superRefine((value, context) => {
    if (ipv4(value) === undefined)
      context.addIssue({ code: 'custom', message: 'is not a valid IPv4 address (for example 10.0.0.11)' });
  });

/** A CIDR block for the overlay network. */
export const cidr = () =>
  checked('10.200.0.0/24', /^\d{1,3}(\.\d{1,3}){3}\/\d{1,2}$/, (value) => {
    const subnet = parseSubnet(value);
    if (!subnet) return 'is not a valid IPv4 subnet (for example 10.200.0.0/24)';
    if (subnetText(subnet) !== value) return `is not a network address; did you mean "${subnetText(subnet)}"?`;
    return subnet.prefix < 8 || subnet.prefix > 29 ? 'must have a prefix from /8 to /29' : undefined;
  });

/** The parts of a bastion given as text; undefined if the text is invalid. */
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

/** A bastion given as text. */
export const bastionText = () =>
  checked('ops@bastion.example.org:22', /^([A-Za-z0-9][A-Za-z0-9_.-]*@)?[A-Za-z0-9.-]+(:\d{1,5})?$/, (value) =>
    bastionParts(value) ? undefined : 'is not a valid bastion (user@address:port; user@ and :port are optional)',
  );
