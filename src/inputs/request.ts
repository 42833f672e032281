import type { Secret } from '../engine/secret.ts';
import { translateArguments } from './arguments.ts';
import type { Files } from './files.ts';
import type { Environment } from './given.ts';
import { readImages } from './images.ts';
import { secretsGiven } from './masked.ts';
import { readInputs, type Inputs } from './read.ts';

/**
 * What is asked for; a text where only that is wanted. Secrets are told to `hide` first. Throws a DeploymentError that
 * names every wrong input.
 */
export type ReadRequest = (hide: (secrets: readonly Secret[]) => void, signal: AbortSignal) => Promise<Inputs | string>;

/** Reads inputs as GitHub hands them over, or a command line where GitHub does not run this. */
export const requestReader =
  (argv: readonly string[], env: Environment, files: Files): ReadRequest =>
  async (hide, signal) => {
    hide(secretsGiven(env, files));
    if (env['GITHUB_ACTIONS'] === 'true') return readInputs(env, files, await readImages(env, signal));
    const asked = translateArguments(argv, env, files);
    if (asked.is === 'help') return asked.text;
    hide(secretsGiven(asked.env, files));
    return readInputs(asked.env, files, await readImages(asked.env, signal));
  };
