import { createPrivateKey } from 'node:crypto';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificates, makeFolders } from '../../lab/images/kuscia/src/files.ts';
import { generateKey } from '../../lab/images/kuscia/src/init.ts';
import type { Kine } from '../../lab/images/kuscia/src/kine.ts';
import { createLog } from '../../lab/images/kuscia/src/log.ts';
import type { Place } from '../../lab/images/kuscia/src/place.ts';
import type { Replica } from '../../lab/images/kuscia/src/replica.ts';
import { mkdirSync } from 'node:fs';

/** The text of a file that was carried over from the observation. */
export function observed(name: string): string {
  return readFileSync(new URL(`data/${name}`, import.meta.url), 'utf8');
}

/** A separate place under the system's temporary folder, without waits. */
export function somePlace(more: Partial<Place> = {}): Place {
  const home = mkdtempSync(join(tmpdir(), 'stand-in-'));
  mkdirSync(`${home}/etc/conf`, { recursive: true });
  return {
    home,
    hostname: 'root-kuscia-autonomy-alice-hosta',
    address: '10.77.0.11',
    version: 'v1.1.0b0',
    pace: 0,
    machineId: 'machine-a',
    inContainer: false,
    bootId: `boot-${home}`,
    ...more,
  };
}

/** A replica of alice on a shared memory, and the lines it logged. */
export function someReplica(
  kine: Kine,
  more: Partial<Place> = {},
  pem = generateKey(),
): Replica & { readonly lines: string[] } {
  const place = somePlace(more);
  const key = createPrivateKey(pem);
  makeFolders(place);
  makeCertificates(place, 'alice', key);
  const lines: string[] = [];
  return { place, kine, log: createLog((text) => void lines.push(text)), domain: 'alice', runtime: 'runp', key, lines };
}
