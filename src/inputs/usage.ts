import { INPUT_LIST, MODES, optionOf, ownVariable, type InputDefinition } from './catalogue.ts';

const WIDTH = 100;
const INDENT = '      ';

/** The output of `--help`. */
export function usage(): string {
  return [
    'Usage: kuscia-swarm --cluster PATH [options]',
    '',
    'Deploys a multi-replica Kuscia domain on Docker Swarm from a cluster file, and verifies it.',
    '',
    ...INPUT_LIST.flatMap((input) => [`  --${optionOf(input.name)}${value(input)}`, ...wrap(description(input))]),
    '  -h, --help',
    '',
    'Each option can also be set by a variable, for example KUSCIA_SWARM_CLUSTER. Give secrets by file or ' +
      'variable only:',
    'arguments are visible in the process list.',
    '',
  ].join('\n');
}

function value(input: InputDefinition & { readonly name: string }): string {
  if (input.kind === 'flag') return '';
  if (input.kind !== 'word') return ' PATH';
  return input.name === 'mode' ? ` ${MODES.join('|')}` : ' NAMES';
}

function description(input: (typeof INPUT_LIST)[number]): string {
  const needed = input.needed
    ? ` Required: ${input.needed.english === 'always' ? 'always' : `if ${input.needed.english}`}.`
    : '';
  const byDefault = input.default === undefined ? '' : ` Default: ${input.default}.`;
  const variable = input.kind === 'secret' || input.kind === 'file' ? ` Or ${ownVariable(input.name)}.` : '';
  return `${input.description}${needed}${byDefault}${variable}`.replaceAll('`', '');
}

function wrap(text: string): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < WIDTH) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(`${INDENT}${word}`);
  }
  return lines;
}
