import { createHash } from 'node:crypto';
import { CHECKS, serving, type Matrix } from '../cluster/matrix.ts';
import { traitsOf } from '../engine/errors.ts';
import { distinct, type DocsPage } from '../report/failures.ts';
import { count } from '../report/layout.ts';
import { CHECK_NAMES, legend, marked, verdict } from '../report/matrix.ts';
import { findingLines } from './findings.ts';
import { fitted, MAX_BODY_LENGTH, moment, prose, table } from './markdown.ts';
import type { Place } from './place.ts';
import type { Health } from './request.ts';

/** State of earlier checks, stored in the issue's text. */
export interface StoredState {
  /** How many checks found the domain not as described. */
  readonly looks: number;
  /** Digest of the problems at the last check. */
  readonly wrong: string;
}

/** The mark that identifies the issue of a domain. */
export const healthMark = (domain: string): string => `<!-- kuscia-swarm health: ${domain} -->`;

/** The state stored in an issue's text; undefined if it was removed. */
export function storedStateIn(body: string): StoredState | undefined {
  const found = /^<!-- kuscia-swarm state: looks=(\d{1,9}) wrong=([0-9a-f]{16}) -->\s*$/m.exec(body);
  return found ? { looks: Number(found[1]), wrong: found[2] ?? '' } : undefined;
}

/**
 * A digest of the problems: failed checks by replica and failures by host, without values, which differ in each check.
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

/** One check of a domain that is not as described. */
export interface Look {
  readonly health: Health;
  readonly place: Place;
  readonly docs: DocsPage;
  /** Milliseconds since the epoch. */
  readonly first: number;
  readonly now: number;
  readonly kept: StoredState;
}

/** The text of the issue, rewritten by each check. */
export function issueText({ health, place, docs, first, now, kept }: Look): string {
  const { domain } = health;
  const marks = `${healthMark(domain)}\n<!-- kuscia-swarm state: looks=${kept.looks} wrong=${kept.wrong} -->\n\n`;
  const times = table(
    ['not as described since', 'last check', 'checks'],
    [[moment(first), `${moment(now)}, [run ${place.runId}](${place.runUrl})`, String(kept.looks)]],
  );
  const text = (most: number): string =>
    [
      ...found(health, docs, most, times),
      '### Next',
      '',
      ...next(health),
      '',
      'Then check again:',
      '',
      '```sh',
      `gh run rerun ${place.runId} --repo ${place.server}/${place.owner}/${place.repo}`,
      '```',
      '',
      `This text is rewritten by each check; use comments for notes. The first check that finds ${prose(domain)} ` +
        `healthy closes the issue.`,
      '',
    ].join('\n');
  return marks + fitted(text, MAX_BODY_LENGTH - marks.length);
}

/** The next steps in order. */
function next({ matrix, failed, failures }: Health): string[] {
  const unreached = [
    ...new Set([
      ...(matrix?.silent ?? []),
      // Only `verify` continues while there is one.
      ...failures.flatMap(({ code, host }) => (host !== undefined && traitsOf(code).silent ? [host] : [])),
    ]),
  ];
  const first = [
    ...failed.map(
      ({ job }) => `Find out why the job ${job} failed: check its log, and whether the runner of its host is online.`,
    ),
    ...(unreached.length === 0
      ? []
      : [`Restore ${unreached.join(', ')}: only the mode verify works while a host does not respond.`]),
    ...(matrix === undefined && failed.length === 0 && unreached.length === 0
      ? [
          failures.length === 0
            ? 'Check the log of the run: it ended before anything was verified.'
            : 'Follow the instructions of each finding above.',
        ]
      : []),
  ];
  const seen = matrix !== undefined && !matrix.healthy;
  const warned = (matrix?.warnings ?? []).length > 0 && !seen ? ['Follow the instructions of each finding above.'] : [];
  const steps = [
    ...first.map(prose),
    ...warned,
    ...(seen
      ? [
          `${first.length > 0 ? 'Then check' : 'Check'} the differences with \`mode: plan\`, and fix them with ` +
            `\`mode: apply\`.`,
        ]
      : []),
  ];
  return steps.length > 0 ? steps.map((step, i) => `${i + 1}. ${step}`) : ['1. Check the log of the run.'];
}

/** The replicas through which peers can still reach the domain. */
function stillServing({ domain, matrix }: Health): string {
  if (matrix === undefined) return `Whether ${domain} still serves requests is unknown.`;
  const through = serving(matrix).map(({ replica, host }) => `${replica} (${host})`);
  if (through.length > 0) return `Still serving through ${matrix.url}: ${through.join(', ')}.`;
  const unknown = matrix.rows.some(({ cells }) => cells.throughLb.unknown === true);
  const direct = matrix.rows.filter(({ cells }) => cells.direct.ok).map(({ replica, host }) => `${replica} (${host})`);
  const served = unknown
    ? `Whether a replica still serves through ${matrix.url} is unknown`
    : `No replica serves through ${matrix.url}`;
  return `${served}${direct.length > 0 ? `; reachable at their own addresses: ${direct.join(', ')}` : ''}.`;
}

/** The comment for changed problems. */
export function changedText(health: Health, { runUrl }: Place, docs: DocsPage): string {
  const intro = `The problems have changed since the last check ([run](${runUrl})).`;
  return fitted((most) => found(health, docs, most, [intro, '']).join('\n'), MAX_BODY_LENGTH - 1_000);
}

/** The final comment. */
export function healthyText(matrix: Matrix, first: number, looks: number, { runUrl }: Place): string {
  return (
    `${prose(verdict(matrix))}\n\nIt had not been as described since ${moment(first)} (${count(looks, 'check')}). ` +
    `[The run](${runUrl}) that found it healthy closes this issue.\n`
  );
}

/** Summary first, then each replica and check, then each failure. */
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
    ...(legend({ rows }) === '' ? [] : [prose(legend({ rows })), '']),
    ...(left > 0 ? [`${count(left, 'more replica')} ${left === 1 ? 'is' : 'are'} in the log of the run.`, ''] : []),
    ...(failures.length === 0 ? [] : ['### Problems and remedies', '', ...findingLines(failures, docs, most)]),
    ...(warnings.length === 0 ? [] : ['### Warnings', '', ...findingLines(warnings, docs, most)]),
  ];
}

function figures({ domain, result, failed, matrix, failures }: Health): string {
  if (
    matrix?.healthy === false ||
    (matrix !== undefined && failures.length === 0 && failed.length === 0 && result === 'success')
  )
    return verdict(matrix);
  const jobs = failed.map(({ job, result }) => `the earlier job ${job} ended with ${result}`).join(', ');
  const why =
    failures.length > 0
      ? `${count(distinct(failures).length, 'failure')} found`
      : jobs !== ''
        ? `${jobs}; check its log, and whether the runner of its host is online`
        : `the result of the verification is ${result}; check its log`;
  return matrix
    ? `${domain}: every check of the matrix is ok, but the verification failed (${why})`
    : `Whether ${domain} is healthy is unknown: it could not be checked (${why})`;
}
