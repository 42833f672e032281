import Handlebars from 'handlebars/dist/cjs/handlebars.runtime.js';
import { CHECKS } from '../cluster/matrix.ts';
import { codeNumber } from '../engine/errors.ts';
import { closingLines } from './closing.ts';
import { finding, grouped, helpFor, whatHappened, type DocsPage, type FailureGroup } from './failures.ts';
import { count, truncate, duration } from './layout.ts';
import { md } from './markdown.ts';
import { CHECK_NAMES, CROSS, legend, marked } from './matrix.ts';
import { picture } from './picture.ts';
import { planDocument, planFigures } from './plan.ts';
import type { StageState, RunState } from './run-state.ts';
import { SUMMARY_TEMPLATE } from './template.ts';

const handlebars = Handlebars.create();
handlebars.registerHelper('md', md);
const render = handlebars.template<Record<string, unknown>>(SUMMARY_TEMPLATE);

/**
 * The job summary as Markdown, at most `largest` bytes: the state first, then evidence. Long tables are truncated, with
 * a note.
 */
export function summary(runState: RunState, docs: DocsPage, largest: number): string {
  for (const rows of [1_000, 200, 50, 10]) {
    const markdown = render(context(runState, docs, rows));
    if (Buffer.byteLength(markdown) <= largest) return markdown;
  }
  return `## ${md(status(runState))}\n`;
}

/** The first line of the summary: the state in figures. */
export function status(runState: RunState): string {
  const [first] = runState.failures;
  const mode = runState.subject?.mode ?? 'run';
  const further = runState.failures.length - 1;
  if (first && runState.shows !== 'a proof')
    return (
      `${runState.subject?.cluster.domain ?? 'kuscia-swarm'}: ${mode} failed with ${codeNumber(first.code)} ` +
      `${first.code}${further > 0 ? ` and ${count(further, 'more', 'more')}` : ''}`
    );
  if (runState.shows === 'only a plan')
    return `${runState.subject?.cluster.domain}: ${planFigures(planDocument(runState))}`;
  return closingLines(runState).at(-1) ?? '';
}

function context(runState: RunState, docs: DocsPage, most: number): Record<string, unknown> {
  const title = status(runState);
  const changes = changesOf(runState);
  return {
    mark: runState.failures.length === 0 ? '✅' : '❌',
    status: title,
    closing: closingLines(runState).filter((line) => line !== title),
    failures: grouped(runState.failures.slice(0, most)).map((group) => groupContext(group, docs)),
    warnings: grouped(
      runState
        .found('warnings')
        .slice(0, most)
        .map((each) => each.finding),
    ).map((group) => groupContext(group, docs)),
    left: { failures: Math.max(runState.failures.length - most, 0), changes: Math.max(changes.length - most, 0) },
    checks: CHECK_NAMES.map((name) => CHECKS[name]),
    rows: (runState.matrix?.rows ?? [])
      .slice(0, most)
      .map(({ replica, cells }) => ({
        replica,
        cells: CHECK_NAMES.map((name) => ({ ok: cells[name].ok, text: cells[name].text, marked: marked(cells[name]) })),
      })),
    legend: runState.matrix ? legend(runState.matrix) : '',
    changesTitle: runState.shows === 'a plan and changes' && runState.changed ? 'Changes made' : 'Changes to make',
    changes: changes.slice(0, most),
    picture: picture(runState),
    timeline: timelineContext(runState),
    stages: runState.stages.map((part) => stageContext(part, runState.shows === 'only a plan')),
  };
}

function timelineContext({ timeline, subject, stages }: RunState): Record<string, unknown> | undefined {
  if (timeline.count === 0 || subject === undefined) return undefined;
  const hosts = subject.cluster.hosts.map(({ name }) => name);
  return {
    title: `Timeline: ${count(timeline.count, 'command')} on ${count(hosts.length, 'host')}`,
    chart: timeline.chart(
      hosts,
      stages.map(({ stage }) => stage),
    ),
    longest: timeline.longest.map(({ host, purpose, ending, from, ms }) => ({
      host,
      purpose: truncate(purpose, 100),
      ending,
      at: duration(from),
      took: duration(ms),
    })),
  };
}

function groupContext(group: FailureGroup, docs: DocsPage): Record<string, unknown> {
  const { code, cause, remedy, members } = group;
  const help = helpFor(group, docs);
  const linked = help.startsWith('https://');
  const [only] = members;
  const alone = members.length === 1 && only !== undefined;
  return {
    number: codeNumber(code),
    code,
    what: alone ? whatHappened(only) : count(members.length, 'finding'),
    evidence: alone ? (only.evidence ?? '').trim().replace(/\s*\n\s*/g, '; ') : '',
    findings: alone ? [] : members.map((member) => ({ host: member.host ?? '', text: finding(member) })),
    cause,
    remedy: linked ? remedy : `${remedy} See ${help}`,
    help: linked ? help : '',
  };
}

interface Change {
  readonly stage: string;
  readonly host: string;
  readonly sign: string;
  readonly what: string;
  readonly why: string;
}

/** What was changed, if anything was; otherwise what is to be changed, including what cannot be known yet. */
function changesOf(runState: RunState): Change[] {
  if (runState.shows === 'a plan and changes' && runState.changed) {
    return runState.stages.flatMap(({ stage, made, broken, undone }) => [
      ...made.map(({ host, change, what, why }) => ({ stage, host, sign: change, what, why })),
      ...broken.map(({ host, change, what, why }) => ({ stage, host, sign: `${CROSS} ${change}`, what, why })),
      ...undone.map(({ host, what, why }) => ({ stage, host, sign: '↶', what: `${what} (undone)`, why })),
    ]);
  }
  return runState.stages.flatMap(({ stage, found }) => [
    ...(found?.steps ?? []).map(({ host, change, what, why }) => ({ stage, host, sign: change, what, why })),
    ...(found?.later ?? []).map(({ host, what, why }) => ({
      stage,
      host,
      sign: '?',
      what,
      why: `after apply: ${why}`,
    })),
  ]);
}

function stageContext(
  { stage, state, made, found, settled, ms }: StageState,
  planning: boolean,
): Record<string, unknown> {
  const waiting = (found?.failures.length ?? 0) > 0 ? 'blocked' : planning && found ? 'planned' : 'not started';
  const states = { waiting, started: 'started', left: 'abandoned', settled: 'settled', failed: 'failed' } as const;
  const changes = planning ? (found?.steps.length ?? 0) : made.length;
  return {
    stage,
    state: states[state],
    changes,
    satisfied: (settled ?? found)?.satisfied.length ?? 0,
    time: ms === undefined ? '' : duration(ms),
  };
}
