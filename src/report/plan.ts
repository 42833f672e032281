import type { Failure } from '../engine/errors.ts';
import { sameStep } from '../engine/plan.ts';
import { distinct } from './failures.ts';
import { cell, columns, count, duration, type Cell, type Layout, type Style } from './layout.ts';
import type { RunState } from './run-state.ts';
import type { ReportedNote, ReportedStep } from './reported.ts';

/** A note of the plan document. */
export interface PlanNote {
  readonly stage: string;
  readonly host: string;
  readonly what: string;
  readonly why: string;
}

/** The plan as data: the `plan` output of the action. Keys are only ever added. */
export interface PlanDocument {
  readonly domain: string;
  /** What would be done, or was planned before the run began: `+` creates, `~` changes, `-` removes. */
  readonly changes: readonly (PlanNote & { readonly change: '+' | '~' | '-' })[];
  /** What is already up to date, and why nothing is done. */
  readonly satisfied: readonly PlanNote[];
  /** What can only be known after the changes. */
  readonly later: readonly PlanNote[];
  /** What must still happen by itself. */
  readonly awaited: readonly PlanNote[];
  readonly warnings: readonly (Failure & { readonly stage: string })[];
  readonly failures: readonly (Failure & { readonly stage: string })[];
}

/** As many digits of an image's digest as docker shows. */
const SHOWN_ID = /^sha256:[0-9a-f]{12}/;

/** Why a change is needed, and the image of the container it creates, if known. */
function reasonOf({ why, image: [id = ''] = [] }: ReportedStep): string {
  const shown = SHOWN_ID.exec(id)?.[0];
  return shown === undefined ? why : `${why}; image ${shown}`;
}

/** The plan of the run as data. */
export function planDocument(runState: RunState): PlanDocument {
  const notes = (kind: 'satisfied' | 'later' | 'awaited'): PlanNote[] =>
    runState.found(kind).map(({ stage, finding: { host, what, why } }) => ({ stage, host, what, why }));
  return {
    domain: runState.subject?.cluster.domain ?? '',
    changes: runState
      .found('steps')
      .map(({ stage, finding }) => ({
        stage,
        host: finding.host,
        change: finding.change,
        what: finding.what,
        why: reasonOf(finding),
      })),
    satisfied: notes('satisfied'),
    later: notes('later'),
    awaited: notes('awaited'),
    warnings: runState.found('warnings').map(({ stage, finding }) => ({ stage, ...finding })),
    failures: runState.found('failures').map(({ stage, finding }) => ({ stage, ...finding })),
  };
}

/** `11 changes on 3 hosts, 14 satisfied, 3 known after apply` */
export function planFigures(plan: PlanDocument): string {
  const hosts = new Set(plan.changes.map(({ host }) => host)).size;
  return [
    `${count(plan.changes.length, 'change')}${hosts > 0 ? ` on ${count(hosts, 'host')}` : ''}`,
    `${plan.satisfied.length} satisfied`,
    ...(plan.later.length > 0 ? [`${plan.later.length} known after apply`] : []),
    ...(plan.awaited.length > 0 ? [`${plan.awaited.length} awaited`] : []),
    ...(plan.warnings.length > 0 ? [count(distinct(plan.warnings).length, 'warning')] : []),
    ...(plan.failures.length > 0 ? [count(distinct(plan.failures).length, 'failure')] : []),
  ].join(', ');
}

const GATHERED_GAP = '   ';
const SIGN_STYLES: Readonly<Record<string, Style>> = { '+': 'good', '~': 'warn', '-': 'bad' };

/** The plan as text: figures first, then one aligned line for each change and each thing that is not known yet. */
export function planLines(runState: RunState, layout: Layout): string[] {
  const plan = planDocument(runState);
  const gathered = runState.gatheredMs === undefined ? '' : `gathered in ${duration(runState.gatheredMs)}`;
  const rows = runState.stages.flatMap(({ stage, found }) => {
    const lines = [
      ...(found?.steps ?? []).map((step) => row(step, step.change, reasonOf(step), SIGN_STYLES[step.change])),
      ...(found?.later ?? []).map((note) => row(note, '?', `after apply: ${note.why}`, 'dim')),
      ...combined(found?.awaited ?? []).map(({ note, more }) =>
        row(note, '…', `awaited: ${note.why}${more > 0 ? `, and ${more} more` : ''}`, 'dim'),
      ),
    ];
    return lines.map((line, i) => [cell(i === 0 ? stage : '', 'strong'), ...line]);
  });
  const title = `${plan.domain}: ${planFigures(plan)}`;
  const fits = title.length + GATHERED_GAP.length + gathered.length <= layout.width;
  return [
    layout.paint('strong', title) + (fits && gathered !== '' ? GATHERED_GAP + layout.paint('dim', gathered) : ''),
    ...columns(rows, layout, { indent: 2, shrink: [3, 2] }),
  ];
}

/** Combines everything that is awaited from one thing on one host in one line. */
function combined(notes: readonly ReportedNote[]): { readonly note: ReportedNote; readonly more: number }[] {
  const firsts = notes.filter((note, i) => notes.findIndex((other) => sameStep(other, note)) === i);
  return firsts.map((note) => ({ note, more: notes.filter((other) => sameStep(other, note)).length - 1 }));
}

function row(note: ReportedNote, sign: string, why: string, style: Style = 'plain'): Cell[] {
  return [cell(note.host), cell(`${sign} ${note.what}`, style), cell(why, 'dim')];
}

/** What is up to date, in one line, by stage: `14 satisfied: preflight 9, swarm-init 5`. Undefined if nothing is. */
export function satisfiedTitle(runState: RunState): string | undefined {
  const counts = runState.stages
    .map(({ stage, found }) => ({ stage, n: found?.satisfied.length ?? 0 }))
    .filter(({ n }) => n > 0);
  if (counts.length === 0) return undefined;
  return (
    `${counts.reduce((sum, { n }) => sum + n, 0)} satisfied: ` +
    `${counts.map(({ stage, n }) => `${stage} ${n}`).join(', ')}`
  );
}

/** What is up to date and why, one aligned line each. */
export function satisfiedLines(runState: RunState, layout: Layout): string[] {
  const rows = runState
    .found('satisfied')
    .map(({ stage, finding }) => [cell(stage), ...row(finding, '=', finding.why)]);
  return columns(rows, layout, { indent: 2, shrink: [3, 2] });
}
