import { modes, OPERATIONS, type Mode } from '../../src/operations/index.ts';
import type { Operation } from '../../src/operations/operation.ts';
import type { StageDefinition } from '../../src/stages/definition.ts';
import { definitionOf, STAGES, type StageName } from '../../src/stages/index.ts';
import type { Language } from './table.ts';

/** The name of an action: that of its folder. */
export type ActionName = string;

/** An operation with an action of its own. */
interface Operated {
  readonly mode: Mode;
  readonly operation: Operation;
  readonly action: NonNullable<Operation['action']>;
}

const OPERATED = modes(() => true).flatMap((mode): Operated[] => {
  const operation: Operation = OPERATIONS[mode];
  return operation.action ? [{ mode, operation, action: operation.action }] : [];
});

/** The actions: one for each stage, and those of operations that the jobs of a workflow need around them. */
export const ACTIONS: readonly ActionName[] = [...STAGES, ...OPERATED.map(({ action }) => action.name)];

/** The operation of an action; undefined if it is the action of a stage. */
export const operatedBy = (name: ActionName): Operated | undefined =>
  OPERATED.find(({ action }) => action.name === name);

/** The stage of an action; undefined if it is not the action of a stage. */
export function stageOf(action: ActionName): StageDefinition<StageName> | undefined {
  const name = STAGES.find((stage) => stage === action);
  return name && definitionOf(name);
}

/** The texts on the page of an action: its result, in one line without a full stop, and its details. */
interface Words {
  readonly brings: string;
  readonly detail: string;
}

/** The texts of an action's page. */
export function wordsOf(name: ActionName, language: Language): Words {
  const stage = stageOf(name);
  if (stage) return { brings: stage.purpose[language], detail: stage.detail[language] };
  const { brings, detail } = operatedBy(name)?.action ?? {};
  return { brings: brings?.[language] ?? '', detail: detail?.[language] ?? '' };
}
