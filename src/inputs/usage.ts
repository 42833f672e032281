import { INPUT_LIST, MODES, optionOf, ownVariable, type InputDefinition } from './catalogue.ts';

const WIDTH = 100;
const INDENT = '      ';

/** What `--help` prints. */
export function usage(): string {
  return [
    'Usage: kuscia-swarm --cluster PATH [options]',
    '',
    'Deploys a multi-replica Kuscia domain on Docker Swarm as the cluster file describes it, and proves it.',
    '',
    ...INPUT_LIST.flatMap((input) => [`  --${optionOf(input.name)}${value(input)}`, ...wrapped(description(input))]),
    '  -h, --help',
    '',
    'Each option can be set by a variable too, for example KUSCIA_SWARM_CLUSTER. Secrets are taken from files ' +
      'and variables only:',
    'arguments stand in the process list.',
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
    ? ` Needed: ${input.needed.english === 'always' ? 'always' : `when ${input.needed.english}`}.`
    : '';
  const preset = input.default === undefined ? '' : ` Default: ${input.default}.`;
  const variable = input.kind === 'secret' || input.kind === 'file' ? ` Or ${ownVariable(input.name)}.` : '';
  return `${input.description}${needed}${preset}${variable}`.replaceAll('`', '');
}

function wrapped(text: string): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < WIDTH) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(`${INDENT}${word}`);
  }
  return lines;
}
