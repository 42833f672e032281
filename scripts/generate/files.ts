import { actionText, inputTable, outputTable } from './action.ts';
import { clusterFileSchema, schemaText } from './json-schema.ts';
import { referenceTable } from './reference.ts';
import { fillBlock, type Language } from './table.ts';

/** A file that is generated, whole or in marked blocks. */
export interface Generated {
  /** Relative to the root of the repository. */
  readonly path: string;
  /** The file as it should be, from what it is now (empty when it is not there). */
  text(now: string): string;
}

const reference = (path: string, language: Language): Generated => ({ path, text: (now) => fillBlock(now, 'keys', referenceTable(clusterFileSchema(), language)) });

const action = (path: string, language: Language): Generated => ({
  path,
  text: (now) => fillBlock(fillBlock(now, 'inputs', inputTable(language)), 'outputs', outputTable(language)),
});

/** Every generated file. A new one is one line here. */
export const GENERATED: readonly Generated[] = [
  { path: 'schema/cluster.schema.json', text: schemaText },
  { path: 'action.yml', text: actionText },
  reference('docs/cluster-file.md', 'english'),
  reference('docs/cluster-file.zh.md', 'chinese'),
  action('docs/action.md', 'english'),
  action('docs/action.zh.md', 'chinese'),
];
