import { parseArgs } from 'node:util';
import { nearest } from '../cluster/nearest.ts';
import { show } from '../cluster/problem.ts';
import { DeploymentError, type Failure } from '../engine/errors.ts';
import { INPUT_LIST, inputVariable, optionOf, ownVariable, type InputName } from './catalogue.ts';
import type { Files } from './files.ts';
import type { Environment } from './given.ts';
import { usage } from './usage.ts';

/** What a command line requests: help, or a run with this environment. */
export type CommandLineRequest =
  { readonly is: 'help'; readonly text: string } | { readonly is: 'run'; readonly env: Environment };

const OPTIONS = new Map(INPUT_LIST.map((input) => [optionOf(input.name), input]));

/**
 * Converts the command line of a run outside GitHub to the environment that GitHub's runner would provide. An argument
 * takes precedence over a KUSCIA_SWARM_ variable. Secrets come from files and variables, never from arguments. Throws a
 * DeploymentError with every invalid argument.
 */
export function translateArguments(argv: readonly string[], env: Environment, files: Files): CommandLineRequest {
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
        invalidArgument(
          `argument ${token.index + 1} has no option before it (not shown here, because it could be a secret)`,
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
  if (!input) return invalidArgument(unknownOption(option, raw));
  const { name, kind } = input;
  if (kind === 'flag') return { name, text: value ?? 'true' };
  if (value === undefined || value.trim() === '' || value.startsWith('--'))
    return invalidArgument(`${raw} needs a value`);
  if (kind === 'word' || kind === 'path') return { name, text: value };
  try {
    const text = files.read(value);
    return text.trim() === '' ? invalidArgument(`${raw}: the file ${show(value)} is empty`) : { name, text };
  } catch (thrown) {
    return invalidArgument(
      `${raw}: cannot read the file ${show(value)} ` +
        `(${(thrown as NodeJS.ErrnoException | undefined)?.code ?? 'unknown reason'})`,
    );
  }
}

function unknownOption(option: string, raw: string): string {
  const input = INPUT_LIST.find(({ name }) => name === option);
  if (input)
    return (
      `${raw} cannot be given as an argument, because arguments are visible in the process list; use ` +
      `--${optionOf(input.name)} PATH or set ${ownVariable(input.name)}`
    );
  const suggestion = nearest(option, [...OPTIONS.keys(), 'help']);
  return `${show(raw)} is not an option${suggestion === undefined ? '' : `; did you mean --${suggestion}?`}`;
}

function fromVariables(env: Environment): Record<string, string> {
  const set = INPUT_LIST.flatMap(({ name }) => {
    const text = env[ownVariable(name)];
    return text === undefined || text.trim() === '' ? [] : [[inputVariable(name), text] as const];
  });
  return Object.fromEntries(set);
}

const invalidArgument = (what: string): Failure => ({
  code: 'input-invalid',
  what,
  remedy: 'Run with --help to see all options.',
});
