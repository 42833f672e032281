import ssh2, { type ParsedKey } from 'ssh2';
import { deploymentError } from '../engine/errors.ts';
import type { Secret } from '../engine/secret.ts';

/** A private key of the inputs, with which logins are made. */
export class LoginKey {
  /** The input that it was given by. */
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
   * The key as ssh2 takes it, unlocked once for all hosts: each time costs a tenth of a second. `onSigned` is told when
   * a host, having said that it takes this key, is given the signature. Throws a DeploymentError that does not tell
   * the key.
   */
  signing(onSigned: () => void): ParsedKey {
    this.#parsed ??= this.#parse();
    if (this.#parsed instanceof Error) throw keyError(this.input, this.#parsed.message);
    const key = this.#parsed;
    // What ssh2 knows a parsed key by stands on it as it is; only how it signs is another.
    return Object.create(key, {
      sign: { value: (...args: Parameters<ParsedKey['sign']>) => (onSigned(), key.sign(...args)) },
    }) as ParsedKey;
  }

  #parse(): ParsedKey | Error {
    const text = `${this.#key.reveal().replaceAll('\r\n', '\n').trim()}\n`;
    // It says that it gives one key; of a file that holds several it gives a list.
    const parsed = ssh2.utils.parseKey(text, this.#passphrase?.reveal()) as ParsedKey | readonly ParsedKey[] | Error;
    if (parsed instanceof Error) return parsed;
    const key = 'isPrivateKey' in parsed ? parsed : parsed[0];
    return key?.isPrivateKey() === true ? key : new Error('it holds no private key');
  }
}

/** The private key cannot be used. */
function keyError(input: LoginKey['input'], evidence: string): Error {
  const encrypted = /encrypted|passphrase|decrypt/i.test(evidence);
  return deploymentError({
    code: 'input-invalid',
    what: encrypted ? `${input} cannot be unlocked` : `${input} is not a private key that can be read`,
    evidence,
    remedy: encrypted
      ? `Give the passphrase of the key as ${input}-passphrase, or check that it is the right one.`
      : 'Give the whole private key, from its BEGIN to its END line, in OpenSSH or PEM form; ssh-keygen -p -f FILE ' +
        'rewrites it in the OpenSSH form.',
  });
}
