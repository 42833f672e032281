import { createHash } from 'node:crypto';
import { CHECKS, serving, type Matrix } from '../cluster/matrix.ts';
import { traitsOf } from '../engine/errors.ts';
import { distinct, type DocsPage } from '../report/failures.ts';
import { count } from '../report/layout.ts';
import { CHECK_NAMES, marked, verdict } from '../report/matrix.ts';
import { findingLines } from './findings.ts';
import { fitted, LONGEST_BODY, moment, prose, table } from './markdown.ts';
import type { Place } from './place.ts';
import type { Health } from './request.ts';

/** What an issue keeps of the looks so far, in its own text. */
export interface Kept {
  /** How often the domain was found not as described. */
  readonly looks: number;
  /** What was wrong at the last look, as a digest. */
  readonly wrong: string;
}

/** By what the issue of a domain is found again. */
export const healthMark = (domain: string): string => `<!-- kuscia-swarm health: ${domain} -->`;

/** What the text of an issue keeps; undefined where someone took it out. */
export function keptIn(body: string): Kept | undefined {
  const found = /^<!-- kuscia-swarm state: looks=(\d{1,9}) wrong=([0-9a-f]{16}) -->\s*$/m.exec(body);
  return found ? { looks: Number(found[1]), wrong: found[2] ?? '' } : undefined;
}

/**
 * A digest of what is wrong: which checks of which replica and which failures of which host, not the figures, which
 * differ at each look.
 */
export function wrongIn({ matrix, failed, failures }: Health): string {
  const cells = (matrix?.rows ?? []).flatMap(({ replica, cells }) =>
    CHECK_NAMES.filter((name) => !cells[name].ok).map((name) => `${replica} ${name}`),
  );
  const sums = matrix
    ? [`nodes ${matrix.nodes.ready}/${matrix.nodes.total}`, `pairs ${matrix.pairs.connected}/${matrix.pairs.total}`]
    : ['no matrix'];
  const found = [
    ...failures.map(({ code, host = '' }) => `${code} ${host}`),
    ...(matrix?.warnings ?? []).map(({ code, what }) => `${code} ${what}`),
  ];
  const jobs = failed.map(({ job }) => `job ${job}`);
  return createHash('sha256')
    .update(JSON.stringify([...new Set([...cells, ...sums, ...found, ...jobs])].sort()))
    .digest('hex')
    .slice(0, 16);
}

/** One look at a domain that is not as described. */
export interface Look {
  readonly health: Health;
  readonly place: Place;
  readonly docs: DocsPage;
  /** Milliseconds of the clock. */
  readonly first: number;
  readonly now: number;
  readonly kept: Kept;
}

/** The text of the issue. It is written anew at each look. */
export function issueText({ health, place, docs, first, now, kept }: Look): string {
  const { domain } = health;
  const marks = `${healthMark(domain)}\n<!-- kuscia-swarm state: looks=${kept.looks} wrong=${kept.wrong} -->\n\n`;
  const times = table(
    ['not as described since', 'last look', 'looks'],
    [[moment(first), `${moment(now)}, [run ${place.runId}](${place.runUrl})`, String(kept.looks)]],
  );
  const text = (most: number): string =>
    [
      ...found(health, docs, most, times),
      '### Next',
      '',
      ...next(health),
      '',
      'Then look again:',
      '',
      '```sh',
      `gh run rerun ${place.runId} --repo ${place.server}/${place.owner}/${place.repo}`,
      '```',
      '',
      `This text is rewritten by each look; write in comments. The first look that finds ${prose(domain)} ` +
        'healthy closes the issue.',
      '',
    ].join('\n');
  return marks + fitted(text, LONGEST_BODY - marks.length);
}

/** What can be done now, in its order. */
function next({ matrix, failed, failures }: Health): string[] {
  const unreached = [
    ...new Set([
      ...(matrix?.silent ?? []),
      // Nothing but `verify` goes on while there is one.
      ...failures.flatMap(({ code, host }) => (host !== undefined && traitsOf(code).silent ? [host] : [])),
    ]),
  ];
  const first = [
    ...failed.map(({ job }) => `See why the job ${job} ended: its log, and whether the runner of its host is there.`),
    ...(unreached.length === 0
      ? []
      : [`See to ${unreached.join(', ')}: no mode but verify goes on while a host does not answer.`]),
    ...(matrix === undefined && failed.length === 0 && unreached.length === 0
      ? [
          failures.length === 0
            ? 'See the log of the run: it ended before anything could be looked at.'
            : 'Do what each finding above says.',
        ]
      : []),
  ];
  const seen = matrix !== undefined && !matrix.healthy;
  const warned = (matrix?.warnings ?? []).length > 0 && !seen ? ['Do what each finding above says.'] : [];
  const steps = [
    ...first.map(prose),
    ...warned,
    ...(seen
      ? [
          `${first.length > 0 ? 'After that see' : 'See'} what differs with \`mode: plan\`, and bring it about ` +
            `with \`mode: apply\`.`,
        ]
      : []),
  ];
  return steps.length > 0 ? steps.map((step, i) => `${i + 1}. ${step}`) : ['1. See the log of the run.'];
}

/** Through which replicas peers still reach the domain. */
function stillServing({ domain, matrix }: Health): string {
  if (matrix === undefined) return `Whether ${domain} still serves was not seen.`;
  const through = serving(matrix).map(({ replica, host }) => `${replica} (${host})`);
  if (through.length > 0) return `Still serving through ${matrix.url}: ${through.join(', ')}.`;
  const unknown = matrix.rows.some(({ cells }) => cells.throughLb.unknown === true);
  const direct = matrix.rows.filter(({ cells }) => cells.direct.ok).map(({ replica, host }) => `${replica} (${host})`);
  const served = unknown
    ? `Whether a replica still serves through ${matrix.url} is not known`
    : `No replica serves through ${matrix.url}`;
  return `${served}${direct.length > 0 ? `; at their own addresses answer ${direct.join(', ')}` : ''}.`;
}

/** What a comment says where something else is wrong than before. */
export function changedText(health: Health, { runUrl }: Place, docs: DocsPage): string {
  const told = `What is wrong is not what it was at the look before ([run](${runUrl})).`;
  return fitted((most) => found(health, docs, most, [told, '']).join('\n'), LONGEST_BODY - 1_000);
}

/** What the last comment says. */
export function healthyText(matrix: Matrix, first: number, looks: number, { runUrl }: Place): string {
  return (
    `${prose(verdict(matrix))}\n\nIt was not as described from ${moment(first)} on, at ${count(looks, 'look')}. ` +
    `[The run](${runUrl}) that found it healthy closes this issue.\n`
  );
}

/** Figures first, then each replica and check, then each failure. */
function found(health: Health, docs: DocsPage, most: number, times: readonly string[]): string[] {
  const rows = health.matrix?.rows ?? [];
  const failures = distinct(health.failures);
  const warnings = distinct(health.matrix?.warnings ?? []);
  const left = rows.length - most;
  return [
    `**${prose(figures(health))}**`,
    '',
    prose(stillServing(health)),
    '',
    ...times,
    ...table(
      ['replica', ...CHECK_NAMES.map((name) => prose(CHECKS[name]))],
      rows
        .slice(0, most)
        .map(({ replica, cells }) => [
          prose(replica),
          ...CHECK_NAMES.map((name) =>
            cells[name].ok ? prose(cells[name].text) : `**${prose(marked(cells[name]))}**`,
          ),
        ]),
    ),
    ...(left > 0
      ? [`${count(left, 'more replica')} ${left === 1 ? 'stands' : 'stand'} in the log of the run.`, '']
      : []),
    ...(failures.length === 0 ? [] : ['### What is wrong and what to do', '', ...findingLines(failures, docs, most)]),
    ...(warnings.length === 0 ? [] : ['### What else to see to', '', ...findingLines(warnings, docs, most)]),
  ];
}

function figures({ domain, result, failed, matrix, failures }: Health): string {
  if (
    matrix?.healthy === false ||
    (matrix !== undefined && failures.length === 0 && failed.length === 0 && result === 'success')
  )
    return verdict(matrix);
  const jobs = failed.map(({ job, result }) => `the job ${job} before it ended as ${result}`).join(', ');
  const why =
    failures.length > 0
      ? `${count(distinct(failures).length, 'failure')} found`
      : jobs !== ''
        ? `${jobs}; see its log, and whether the runner of its host is there`
        : `the result of the verification is ${result}; see its log`;
  return matrix
    ? `${domain}: every check of the matrix is ok, but not the verification as a whole (${why})`
    : `Whether ${domain} is healthy is not known: it could not be checked (${why})`;
}
