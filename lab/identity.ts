import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { paths } from './places.ts';
import type { Place } from './places.ts';
import { must } from './process.ts';

const keyTypes = ['ed25519', 'ecdsa', 'rsa'] as const;

/** Creates the key pair that root and deploy of every host accept, unless the lab has one. */
export async function ensureSshKey(): Promise<void> {
  mkdirSync(paths.state, { recursive: true });
  if (!existsSync(paths.sshKey)) await generate('ed25519', paths.sshKey, 'lab');
}

/** Creates the identity of a host, which survives a reset: host keys and machine id. `anew` replaces them. */
export async function ensureIdentity(place: Place, anew = false): Promise<void> {
  const folder = identityOf(place);
  if (anew) rmSync(folder, { recursive: true, force: true });
  mkdirSync(`${folder}/ssh`, { recursive: true });
  if (!existsSync(`${folder}/machine-id`))
    writeFileSync(`${folder}/machine-id`, `${randomBytes(16).toString('hex')}\n`);
  await Promise.all(
    keyTypes.map(async (type) => {
      const key = `${folder}/ssh/ssh_host_${type}_key`;
      if (!existsSync(key)) await generate(type, key, `root@${place.name}`);
    }),
  );
}

/** The folder with a host's `machine-id` and `ssh/`. */
export function identityOf({ name }: Place): string {
  return `${paths.place(name)}/identity`;
}

/** Writes the known_hosts file: every key of every host given, by name and address. */
export function writeKnownHosts(places: readonly Place[]): void {
  const lines = places.flatMap((place) => {
    const folder = `${identityOf(place)}/ssh`;
    return readdirSync(folder)
      .filter((name) => name.endsWith('.pub'))
      .sort()
      .map((name) => {
        const [type = '', key = ''] = readFileSync(`${folder}/${name}`, 'utf8').split(' ');
        return `${place.name},${place.address} ${type} ${key}\n`;
      });
  });
  writeFileSync(paths.knownHosts, lines.join(''));
}

async function generate(type: string, file: string, comment: string): Promise<void> {
  await must(['ssh-keygen', '-q', '-t', type, '-N', '', '-C', comment, '-f', file]);
}
