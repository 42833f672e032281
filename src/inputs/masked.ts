import { ROLES } from '../cluster/cluster.ts';
import type { Secret } from '../engine/secret.ts';
import { STAGES } from '../stages/index.ts';
import { clusterText } from './cluster-file.ts';
import { INPUT_LIST } from './catalogue.ts';
import type { Files } from './files.ts';
import { given, givenOrDefault, givenSecret, type Environment } from './given.ts';
import { maskFault } from './password.ts';

/**
 * Texts that reports and outputs cannot do without: the cluster file with its hosts, domain and runners, the runner of
 * the workflow, roles and stages. A secret that is part of one of them would blank it wherever it is printed.
 */
export function maskedWords(env: Environment, files: Files): string[] {
  const value = given(env, 'cluster');
  const file = value === undefined ? undefined : textOf(value, env, files);
  return [...(file === undefined ? [] : [file]), givenOrDefault(env, 'runner'), ...ROLES, ...STAGES];
}

/**
 * Every secret that was given, needed or not, for masking before anything is printed: also when the inputs are then
 * refused. One that is refused because it cannot be masked is none of them.
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
    // Told as a fault of the input where it is read for what it says.
    return undefined;
  }
}
