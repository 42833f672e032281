import { actionText, inputTable, outputTable } from './action.ts';
import { GITHUB_JOBS, jobActionText, jobPage, jobTable } from './github.ts';
import { causeTables } from './causes.ts';
import { clusterFileSchema, schemaText } from './json-schema.ts';
import { referenceTable } from './reference.ts';
import { ACTIONS } from './stage-pages.ts';
import { stageActionText, stagePage, stageTable } from './stages.ts';
import { deployText, verifyText } from './workflows.ts';
import { fillBlock, type Language } from './table.ts';

/** A file that is generated, whole or in marked blocks. */
export interface Generated {
  /** Relative to the root of the repository. */
  readonly path: string;
  /** The wanted content of the file, from the present one (empty if it does not exist). */
  text(now: string): string;
}

const reference = (path: string, language: Language): Generated => ({
  path,
  text: (now) => fillBlock(now, 'keys', referenceTable(clusterFileSchema(), language)),
});

const action = (path: string, language: Language): Generated => ({
  path,
  text: (now) => fillBlock(fillBlock(now, 'inputs', inputTable(language)), 'outputs', outputTable(language)),
});

const stages = (path: string, language: Language): Generated => ({
  path,
  text: (now) => fillBlock(fillBlock(now, 'stages', stageTable(language)), 'github', jobTable(language)),
});

const causes = (path: string, language: Language): Generated => ({
  path,
  text: (now) => fillBlock(now, 'causes', causeTables(language)),
});

/** Every generated file. A new one is one line here. */
export const GENERATED: readonly Generated[] = [
  { path: 'schema/cluster.schema.json', text: schemaText },
  { path: 'action.yml', text: actionText },
  { path: '.github/workflows/deploy.yml', text: deployText },
  { path: '.github/workflows/verify.yml', text: verifyText },
  reference('docs/cluster-file.md', 'english'),
  reference('docs/cluster-file.zh.md', 'chinese'),
  action('docs/action.md', 'english'),
  action('docs/action.zh.md', 'chinese'),
  causes('docs/troubleshooting.md', 'english'),
  causes('docs/troubleshooting.zh.md', 'chinese'),
  stages('docs/actions.md', 'english'),
  stages('docs/actions.zh.md', 'chinese'),
  ...ACTIONS.flatMap((stage): Generated[] => [
    { path: `actions/${stage}/action.yml`, text: () => stageActionText(stage) },
    { path: `actions/${stage}/README.md`, text: () => stagePage(stage, 'english') },
    { path: `actions/${stage}/README.zh.md`, text: () => stagePage(stage, 'chinese') },
  ]),
  ...GITHUB_JOBS.flatMap((job): Generated[] => [
    { path: `actions/${job.action}/action.yml`, text: () => jobActionText(job) },
    { path: `actions/${job.action}/README.md`, text: () => jobPage(job, 'english') },
    { path: `actions/${job.action}/README.zh.md`, text: () => jobPage(job, 'chinese') },
  ]),
];
