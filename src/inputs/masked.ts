import { ROLES } from '../cluster/cluster.ts';
import type { Secret } from '../engine/secret.ts';
import { STAGES } from '../stages/index.ts';
import { clusterText } from './cluster-file.ts';
import { INPUT_LIST } from './catalogue.ts';
import type { Files } from './files.ts';
import { given, givenOrDefault, givenSecret, type Environment } from './given.ts';
import { maskFault } from './password.ts';

/**
 * Texts that reports and outputs need: the cluster file with its hosts, domain and runners, the workflow's runner,
 * roles and stages. Masking a secret that is part of one of them would make reports unreadable.
 */
export function maskedWords(env: Environment, files: Files): string[] {
  const value = given(env, 'cluster');
  const file = value === undefined ? undefined : textOf(value, env, files);
  return [...(file === undefined ? [] : [file]), givenOrDefault(env, 'runner'), ...ROLES, ...STAGES];
}

/**
 * Every given secret, needed or not, to be masked before anything is printed, even if the inputs are then rejected.
 * Leaves out secrets that are rejected because they cannot be masked.
 */
export function secretsGiven(env: Environment, files: Files): Secret[] {
  const words = maskedWords(env, files);
  return INPUT_LIST.filter(({ kind }) => kind === 'secret')
    .flatMap(({ name }) => givenSecret(env, name) ?? [])
    .filter((secret) => maskFault(secret.reveal(), words) === undefined);
}

function textOf(value: string, env: Environment, files: Files): string | undefined {
  try {
    return clusterText(value, env, files);
  } catch {
    // Reported when the cluster file is read.
    return undefined;
  }
}
