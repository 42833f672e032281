import { CHECKS, serving, type Check, type CheckName, type Matrix } from '../cluster/matrix.ts';
import { cell, columns, count, duration, labelled, type Layout } from './layout.ts';

/** The checks in the order of the columns. */
export const CHECK_NAMES = Object.keys(CHECKS) as readonly CheckName[];

/** Precedes a failed check, for readers without colours. */
export const CROSS = '✗';

/** Precedes a check that could not be made. */
const QUESTION = '?';

/** The text of a cell, with its mark if it is not ok. */
export const marked = ({ ok, unknown, text }: Check): string =>
  ok ? text : `${unknown === true ? QUESTION : CROSS} ${text}`;

/** What the column direct shows of a replica that works. */
const DIRECT = 'ok: the replica itself answers 401, the expected answer without credentials';

/** The line below a matrix; '' if no replica answers. */
export const legend = ({ rows }: Pick<Matrix, 'rows'>): string =>
  rows.some(({ cells }) => cells.direct.ok) ? `${CHECKS.direct} ${DIRECT}` : '';

/** The matrix as an aligned table, one line per replica, with its legend. */
export function matrixLines(matrix: Matrix, layout: Layout): string[] {
  const head = [cell('replica', 'dim'), ...CHECK_NAMES.map((name) => cell(CHECKS[name], 'dim'))];
  const rows = matrix.rows.map(({ replica, cells }) => [
    cell(replica, CHECK_NAMES.every((name) => cells[name].ok) ? 'plain' : 'strong'),
    ...CHECK_NAMES.map((name) =>
      cell(marked(cells[name]), cells[name].ok ? 'good' : cells[name].unknown === true ? 'warn' : 'bad'),
    ),
  ]);
  return [
    ...columns([head, ...rows], layout, { shrink: [2, 3, 4, 1, 7, 5, 6, 0] }),
    ...labelled(cell('', 'plain'), legend(matrix), layout, 0, 0),
  ];
}

/**
 * The present state of the domain, in one line of figures: it includes what still works even when something does not.
 */
export function verdict(matrix: Matrix): string {
  const { domain, healthy, url, rows, ms, warnings = [] } = matrix;
  const good = rows.filter(({ cells }) => CHECK_NAMES.every((name) => cells[name].ok)).length;
  const warned = warnings.length > 0 ? `; ${count(warnings.length, 'warning')}` : '';
  const replicas = healthy
    ? [`${serving(matrix).length} of ${rows.length} replicas answer through ${url}`, figures(matrix)]
    : [`${good} of ${rows.length} replicas pass every check`, working(matrix)];
  return `${domain} is ${healthy ? '' : 'not '}healthy: ${replicas.join(', ')}${warned} (${duration(ms)})`;
}

/** What works in a domain whose hosts were not changed, because some of them do not answer. */
export const stillWorks = (matrix: Matrix): string =>
  `What still works in ${matrix.domain}: ${working(matrix, ' replicas')}.`;

function working(matrix: Matrix, replicas = ''): string {
  const { silent = [] } = matrix;
  const none = silent.length === 0 ? '' : `; ${silent.join(', ')} ${silent.length === 1 ? 'does' : 'do'} not answer`;
  return `${servingInWords(matrix, replicas)}, ${DATABASE[matrix.database ?? 'unsaid']}${figures(matrix)}${none}`;
}

const DATABASE = {
  works: 'the database answers, ',
  fails: 'the database does not work, ',
  unknown: 'whether the database answers is not known, ',
  unsaid: '',
} as const;

function servingInWords(matrix: Matrix, replicas: string): string {
  const { url, rows } = matrix;
  const through = serving(matrix).length;
  if (through > 0)
    return `${through} of ${rows.length}${replicas} ${through === 1 ? 'serves' : 'serve'} through ${url}`;
  const direct = rows.filter(({ cells }) => cells.direct.ok).length;
  const directly =
    direct > 0
      ? `, but ${direct} of ${rows.length} ${direct === 1 ? 'answers' : 'answer'} at ` +
        `${direct === 1 ? 'its own address' : 'their own addresses'}`
      : '';
  const unknown = rows.some(({ cells }) => cells.throughLb.unknown === true);
  return `${unknown ? `whether one serves through ${url} is not known` : `none serves through ${url}`}${directly}`;
}

function figures({ nodes, pairs }: Matrix): string {
  const unknownCount = (unknown = 0): string => (unknown > 0 ? ` (${unknown} not known)` : '');
  return (
    `${nodes.ready} of ${nodes.total} nodes Ready${unknownCount(nodes.unknown)}, ` +
    `${pairs.connected} of ${pairs.total} pairs connected${unknownCount(pairs.unknown)}`
  );
}
