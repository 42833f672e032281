import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateX25519Identity } from 'age-encryption';
import { paths, run } from '../../../lab/lab.ts';
import { Seeker } from '../../support/seeker.ts';
import { spellingsOf } from '../../support/spellings.ts';

/** The secrets of a deployment, by name: each with characters that every quoting changes, if it may contain them. */
export interface Given {
  readonly 'SSH key': string;
  readonly 'SSH key, opened': string;
  readonly 'SSH key passphrase': string;
  readonly 'database password': string;
  readonly 'wrong database password': string;
  readonly 'registry password': string;
  readonly 'seal key': string;
  readonly 'load balancer key': string;
}

/** The secrets of one run of the audit, and the certificate that goes with one of them. */
export async function makeSecrets(): Promise<{ readonly given: Given; readonly certificate: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'secrets-'));
  try {
    const passphrase = `Pass phrase: "of" 'the' <key> & $HOME/\\é密 91`;
    const opened = readFileSync(paths.sshKey, 'utf8');
    const at = (name: string): string => join(folder, name);
    writeFileSync(at('ssh-key'), opened, { mode: 0o600 });
    await succeeds(['ssh-keygen', '-q', '-p', '-P', '', '-N', passphrase, '-f', at('ssh-key')]);
    await succeeds([
      'openssl',
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-days',
      '2',
      '-subj',
      '/CN=alice',
      '-keyout',
      at('tls.key'),
      '-out',
      at('tls.crt'),
    ]);
    const given = {
      'SSH key': readFileSync(at('ssh-key'), 'utf8'),
      'SSH key, opened': opened,
      'SSH key passphrase': passphrase,
      'database password': 'Ax7&Database<Pass>$(id)+/=%41;|*!~',
      'wrong database password': 'Bx8&Not=The<One>/of%20the+Volume$$',
      'registry password': `Cx9 "Registry" 'Password' & <more> $PATH \\/+=%42`,
      'seal key': await generateX25519Identity(),
      'load balancer key': readFileSync(at('tls.key'), 'utf8'),
    };
    return { given, certificate: readFileSync(at('tls.crt'), 'utf8') };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function succeeds(argv: readonly string[]): Promise<void> {
  const ended = await run(argv);
  if (ended.code !== 0) throw new Error(`${argv[0]}: ${ended.stderr}`);
}

/** A finding: the secret, and its spelling. */
export interface Found {
  readonly secret: string;
  readonly how: string;
}

/** Looks for all of these secrets in whatever it is given, in every spelling. */
export function search(secrets: Readonly<Record<string, string>>): (where: string | Buffer) => readonly Found[] {
  const seeker = new Seeker(
    Object.entries(secrets).flatMap(([secret, text]) =>
      [...spellingsOf(text)].map(([spelt, how]) => [spelt, { secret, how }] as const),
    ),
  );
  const known = new Map<string, readonly Found[]>();
  return (where) => {
    if (typeof where !== 'string') return distinct(seeker.find(where));
    const found = known.get(where) ?? distinct(seeker.find(Buffer.from(where)));
    known.set(where, found);
    return found;
  };
}

const distinct = (found: readonly Found[]): Found[] => [
  ...new Map(found.map((each) => [`${each.secret}\n${each.how}`, each])).values(),
];
