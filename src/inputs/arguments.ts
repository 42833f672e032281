import { parseArgs } from 'node:util';
import { nearest } from '../cluster/nearest.ts';
import { show } from '../cluster/problem.ts';
import { DeploymentError, type Failure } from '../engine/errors.ts';
import { INPUT_LIST, inputVariable, optionOf, ownVariable, type InputName } from './catalogue.ts';
import type { Files } from './files.ts';
import type { Environment } from './given.ts';
import { usage } from './usage.ts';

/** What a command line asks for: help, or a run with this environment. */
export type Asked = { readonly is: 'help'; readonly text: string } | { readonly is: 'run'; readonly env: Environment };

const OPTIONS = new Map(INPUT_LIST.map((input) => [optionOf(input.name), input]));

/**
 * The command line of a run outside GitHub, put as GitHub's runner would put the inputs; an argument stands above a
 * KUSCIA_SWARM_ variable. Secrets come from files and variables, never from arguments. Throws a DeploymentError with
 * every argument that is wrong.
 */
export function translateArguments(argv: readonly string[], env: Environment, files: Files): Asked {
  const { tokens } = parseArgs({
    args: [...argv],
    options: {
      help: { type: 'boolean', short: 'h' },
      ...Object.fromEntries(
        [...OPTIONS].map(([name, { kind }]) => [
          name,
          { type: kind === 'flag' ? ('boolean' as const) : ('string' as const) },
        ]),
      ),
    },
    strict: false,
    tokens: true,
    allowPositionals: true,
  });
  if (tokens.some((token) => token.kind === 'option' && token.name === 'help')) return { is: 'help', text: usage() };
  const failures: Failure[] = [];
  const inputs: Record<string, string> = fromVariables(env);
  for (const token of tokens) {
    if (token.kind === 'positional')
      failures.push(
        refused(
          `argument ${token.index + 1} stands without an option (it is not repeated here, for it could be a secret)`,
        ),
      );
    if (token.kind !== 'option') continue;
    const read = readOption(token.name, token.rawName, token.value, files);
    if ('what' in read) failures.push(read);
    else inputs[inputVariable(read.name)] = read.text;
  }
  if (failures.length > 0) throw new DeploymentError(failures);
  return { is: 'run', env: { ...env, ...inputs } };
}

function readOption(
  option: string,
  raw: string,
  value: string | undefined,
  files: Files,
): Failure | { name: InputName; text: string } {
  const input = OPTIONS.get(option);
  if (!input) return refused(unknownOption(option, raw));
  const { name, kind } = input;
  if (kind === 'flag') return { name, text: value ?? 'true' };
  if (value === undefined || value.trim() === '' || value.startsWith('--')) return refused(`${raw} needs a value`);
  if (kind === 'word' || kind === 'path') return { name, text: value };
  try {
    const text = files.read(value);
    return text.trim() === '' ? refused(`${raw}: the file ${show(value)} is empty`) : { name, text };
  } catch (thrown) {
    return refused(
      `${raw}: the file ${show(value)} cannot be read ` +
        `(${(thrown as NodeJS.ErrnoException | undefined)?.code ?? 'unknown reason'})`,
    );
  }
}

function unknownOption(option: string, raw: string): string {
  const input = INPUT_LIST.find(({ name }) => name === option);
  if (input)
    return (
      `${raw} is not taken as an argument, for arguments stand in the process list: give --${optionOf(input.name)} ` +
      `PATH or set ${ownVariable(input.name)}`
    );
  const meant = nearest(option, [...OPTIONS.keys(), 'help']);
  return `${show(raw)} is no option${meant === undefined ? '' : `; did you mean --${meant}?`}`;
}

function fromVariables(env: Environment): Record<string, string> {
  const set = INPUT_LIST.flatMap(({ name }) => {
    const text = env[ownVariable(name)];
    return text === undefined || text.trim() === '' ? [] : [[inputVariable(name), text] as const];
  });
  return Object.fromEntries(set);
}

const refused = (what: string): Failure => ({
  code: 'input-invalid',
  what,
  remedy: 'Run with --help for all options.',
});
