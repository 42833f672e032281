import ssh2, { type ParsedKey } from 'ssh2';
import { deploymentError } from '../engine/errors.ts';
import type { Secret } from '../engine/secret.ts';

/** A private key for logins, from the inputs. */
export class LoginKey {
  /** The input that contains it. */
  readonly input: 'ssh-key' | 'bastion-key';
  readonly #key: Secret;
  readonly #passphrase: Secret | undefined;
  #parsed: ParsedKey | Error | undefined;

  constructor(input: 'ssh-key' | 'bastion-key', key: Secret, passphrase?: Secret) {
    this.input = input;
    this.#key = key;
    this.#passphrase = passphrase;
  }

  /**
   * The key for ssh2, unlocked once for all hosts, because unlocking takes a tenth of a second. `onSigned` is called
   * when a host has accepted this key and receives the signature. Throws a DeploymentError that does not show the key.
   */
  signing(onSigned: () => void): ParsedKey {
    this.#parsed ??= this.#parse();
    if (this.#parsed instanceof Error) throw keyError(this.input, this.#parsed.message);
    const key = this.#parsed;
    // Inherits everything by which ssh2 recognises a parsed key; only signing is overridden.
    return Object.create(key, {
      sign: { value: (...args: Parameters<ParsedKey['sign']>) => (onSigned(), key.sign(...args)) },
    }) as ParsedKey;
  }

  #parse(): ParsedKey | Error {
    const text = `${this.#key.reveal().replaceAll('\r\n', '\n').trim()}\n`;
    // Its type says one key, but it returns a list for a file with several.
    const parsed = ssh2.utils.parseKey(text, this.#passphrase?.reveal()) as ParsedKey | readonly ParsedKey[] | Error;
    if (parsed instanceof Error) return parsed;
    const key = 'isPrivateKey' in parsed ? parsed : parsed[0];
    return key?.isPrivateKey() === true ? key : new Error('it contains no private key');
  }
}

/** The failure for an unusable private key. */
function keyError(input: LoginKey['input'], evidence: string): Error {
  const encrypted = /encrypted|passphrase|decrypt/i.test(evidence);
  return deploymentError({
    code: 'input-invalid',
    what: encrypted ? `${input} cannot be unlocked` : `${input} is not a valid private key`,
    evidence,
    remedy: encrypted
      ? `Set ${input}-passphrase to the passphrase of the key, or correct it.`
      : 'Give the complete private key, from the BEGIN to the END line, in OpenSSH or PEM format; ssh-keygen -p ' +
        '-f FILE converts it to OpenSSH format.',
  });
}
