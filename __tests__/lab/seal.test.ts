import { beforeAll, describe, expect, test } from '@jest/globals';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { exec, up } from '../../lab/lab.ts';
import { open, seal } from '../../src/artifacts/seal.ts';
import { Secret } from '../../src/engine/secret.ts';

const HOST = 'node-01';
const CONTENT = 'domainID: alice\n\u0000\u00ff 密钥\n';
const identity = await generateX25519Identity();
const recipient = await identityToRecipient(identity);
const key = new Secret('seal key', identity);
const PASSPHRASE = 'correct horse battery staple';
const passphrase = new Secret('seal key', PASSPHRASE);

/** Runs a line of shell on the host, with this standard input; returns its output. */
async function onHost(script: string, stdin: string | Buffer = ''): Promise<string> {
  const ended = await exec(HOST, ['sh', '-c', `umask 077; ${script}`], { stdin, timeoutMs: 60_000 });
  if (ended.code !== 0) throw new Error(`${script}: exit ${ended.code} ${ended.stdout}${ended.stderr}`);
  return ended.stdout;
}

/** age asks for passphrases on a terminal and nowhere else; they come by standard input and are typed there, with time to be asked. */
const typed = (command: string): string =>
  `(while sleep 1 && read -r line; do printf '%s\\n' "$line"; done; sleep 2) | script -qec '${command}' /dev/null`;

describe('Debian’s age', () => {
  beforeAll(async () => {
    await up(1);
    await onHost('cat >/root/identity', `${identity}\n`);
  }, 600_000);

  test('opens a file sealed for an identity', async () => {
    await onHost('cat >/root/sealed.age', Buffer.from(await seal(Buffer.from(CONTENT), key)));
    expect(await onHost('age --decrypt -i /root/identity /root/sealed.age')).toBe(CONTENT);
  }, 60_000);

  test('seals a file that the identity opens', async () => {
    const sealed = Buffer.from(await onHost(`age -r ${recipient} | base64`, CONTENT), 'base64');
    expect(Buffer.from(await open(sealed, key, 'x')).toString()).toBe(CONTENT);
  }, 60_000);

  test('opens a file sealed with a passphrase', async () => {
    await onHost('cat >/root/sealed.age', Buffer.from(await seal(Buffer.from(CONTENT), passphrase)));
    await onHost(`rm -f /root/opened; ${typed('age --decrypt -o /root/opened /root/sealed.age')}`, `${PASSPHRASE}\n`);
    expect(await onHost('cat /root/opened')).toBe(CONTENT);
  }, 60_000);

  test('seals a file that the passphrase opens', async () => {
    await onHost('cat >/root/plain', CONTENT);
    await onHost(
      `rm -f /root/sealed.age; ${typed('age --passphrase -o /root/sealed.age /root/plain')}`,
      `${PASSPHRASE}\n${PASSPHRASE}\n`,
    );
    const sealed = Buffer.from(await onHost('base64 /root/sealed.age'), 'base64');
    expect(Buffer.from(await open(sealed, passphrase, 'x')).toString()).toBe(CONTENT);
  }, 60_000);
});
