import { z } from 'zod';
import { present, type Query } from '../engine/fact.ts';
import { engineQuery } from './api.ts';

/** A network as seen by the host; a worker sees an overlay only while a container is attached there (moby#36197). */
export interface Network {
  readonly id: string;
  readonly name: string;
  readonly driver: string;
  readonly scope: string;
  readonly attachable: boolean;
  readonly subnets: readonly string[];
  /** Whether the engine adds a rule so that its containers reach other hosts under their host's address. */
  readonly masquerade: boolean;
  /** Its option com.docker.network.driver.mtu, if set. */
  readonly mtu?: number;
  /** Whether it is an overlay that encrypts traffic between hosts. */
  readonly encrypted: boolean;
}

/** Option of a bridge network. Source: moby, bridge driver. */
const MASQUERADE = 'com.docker.network.bridge.enable_ip_masquerade';
/** Option of any network. Source: moby, netlabel.DriverMTU. */
const MTU_OPTION = 'com.docker.network.driver.mtu';

const rawNetwork = z.object({
  Id: z.string(),
  Name: z.string(),
  Driver: z.string(),
  Scope: z.string(),
  Attachable: z.boolean(),
  IPAM: z.object({ Config: z.array(z.object({ Subnet: z.string().nullish() })).nullish() }).nullish(),
  Options: z
    .object({ [MASQUERADE]: z.string().nullish(), [MTU_OPTION]: z.string().nullish(), encrypted: z.string().nullish() })
    .nullish(),
});

/** All networks of the host. */
export const networks: Query<readonly Network[]> = engineQuery(
  'list the networks',
  '/networks',
  z.array(rawNetwork),
  (all) =>
    present(
      all.map((raw) => ({
        id: raw.Id,
        name: raw.Name,
        driver: raw.Driver,
        scope: raw.Scope,
        attachable: raw.Attachable,
        ...(/^\d{1,6}$/.test(raw.Options?.[MTU_OPTION] ?? '') && { mtu: Number(raw.Options?.[MTU_OPTION]) }),
        subnets: (raw.IPAM?.Config ?? []).flatMap((config) => (config.Subnet ? [config.Subnet] : [])),
        // Any value except false counts, even an empty one. Source: moby, overlay driver, "encrypted".
        encrypted:
          typeof raw.Options?.encrypted === 'string' &&
          !['false', '0', 'f', 'F', 'FALSE', 'False'].includes(raw.Options.encrypted),
        masquerade: raw.Options?.[MASQUERADE] === 'true',
      })),
    ),
);
