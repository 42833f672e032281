import type { Failure } from '../engine/errors.ts';
import { Secret } from '../engine/secret.ts';
import { INPUTS, inputVariable, optionOf, ownVariable, type InputDefinition, type InputName } from './catalogue.ts';

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The text of an input; undefined if it is absent or blank. The Kuscia configuration is not trimmed.
 */
export function given(env: Environment, name: InputName): string | undefined {
  const text = env[inputVariable(name)] ?? '';
  if (text.trim() === '') return undefined;
  return name === 'kuscia-config' ? text : text.trim();
}

/** The text of an input, or its default. */
export function givenOrDefault(
  env: Environment,
  name: 'mode' | 'stage' | 'repair' | 'upgrade-database' | 'lock-wait' | 'task-wait' | 'runner',
): string {
  return given(env, name) ?? INPUTS[name].default;
}

/** An input as a secret, if given. */
export function givenSecret(env: Environment, name: InputName): Secret | undefined {
  const text = given(env, name);
  return text === undefined ? undefined : new Secret(name.replaceAll('-', ' '), text);
}

/** How to set an input, in and outside GitHub. */
function howToSet(name: InputName): string {
  const { kind }: InputDefinition = INPUTS[name];
  const outside =
    kind === 'word' || kind === 'flag' || kind === 'path'
      ? `--${optionOf(name)}`
      : `--${optionOf(name)} PATH or ${ownVariable(name)}`;
  return `the input ${name} (outside GitHub: ${outside})`;
}

/** The failure for an invalid input. */
export const invalidInput = (name: InputName, fault: string): Failure => ({
  code: 'input-invalid',
  what: `input ${name} ${fault}`,
  remedy: `Correct ${howToSet(name)}.`,
});

/** The failure for a missing input, with the reason why this run needs it. */
export const missingInput = (name: InputName, why: string): Failure => ({
  code: 'input-invalid',
  what: `input ${name} is missing: ${why}`,
  remedy: `Set ${howToSet(name)}: ${INPUTS[name].description}`,
});
