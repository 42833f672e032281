import { stringify } from 'yaml';
import { optionOf, OUTPUTS, ROOT_INPUTS, ownVariable, type InputDefinition } from '../../src/inputs/catalogue.ts';
import { HEADINGS } from './headings.ts';
import { table, type Language } from './table.ts';

const HEAD = '# Generated from src/inputs/catalogue.ts by `npm run generate`; do not edit.\n';

/** The description of an input, and when it is required, unless always. */
export function neededText({ description, needed }: InputDefinition): string {
  return `${description}${needed && needed.english !== 'always' ? ` Required when ${needed.english}.` : ''}`;
}

/** The text of the root action's action.yml. */
export function actionText(): string {
  const inputs = ROOT_INPUTS.map((input) => [
    input.name,
    {
      description: neededText(input),
      required: input.needed?.english === 'always',
      ...(input.default === undefined ? {} : { default: input.default }),
    },
  ]);
  const outputs = Object.entries(OUTPUTS).map(([name, { description }]) => [name, { description }]);
  const action = {
    name: 'kuscia-swarm',
    description: 'Deploy a multi-replica Kuscia domain on Docker Swarm over SSH and prove that it works',
    author: 'kuscia-swarm contributors',
    branding: { icon: 'layers', color: 'blue' },
    inputs: Object.fromEntries(inputs) as unknown,
    outputs: Object.fromEntries(outputs) as unknown,
    runs: { using: 'node24', main: 'dist/index.cjs' },
  };
  return HEAD + stringify(action, { lineWidth: 0 });
}

/** The table of the inputs. */
export function inputTable(language: Language): string {
  const { input: heads, notRequired } = HEADINGS[language];
  const elsewhere = { english: 'outside GitHub', chinese: '在 GitHub 之外' }[language];
  const rows = ROOT_INPUTS.map((input) => {
    const option = `\`--${optionOf(input.name)}\``;
    const outside =
      input.kind === 'secret' || input.kind === 'file' ? `${option}, \`${ownVariable(input.name)}\`` : option;
    return [
      `\`${input.name}\``,
      input.needed?.[language] ?? notRequired,
      input.default === undefined ? '' : `\`${input.default}\``,
      language === 'english' ? input.description : input.chinese,
      outside,
    ];
  });
  return table([...heads, elsewhere], rows);
}

/** The table of the outputs. */
export function outputTable(language: Language): string {
  return table(
    HEADINGS[language].output,
    Object.entries(OUTPUTS).map(([name, output]) => [
      `\`${name}\``,
      language === 'english' ? output.description : output.chinese,
    ]),
  );
}
