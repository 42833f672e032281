import { CHECKS, type CheckName, type Matrix } from '../cluster/matrix.ts';
import { cell, columns, duration, type Look } from './layout.ts';

/** The checks in the order of the columns. */
export const CHECK_NAMES = Object.keys(CHECKS) as readonly CheckName[];

/** What stands in front of a check that is not ok, for readers without colours. */
export const CROSS = '✗';

/** The matrix as an aligned table, one line a replica. */
export function matrixLines(matrix: Matrix, look: Look): string[] {
  const head = [cell('replica', 'dim'), ...CHECK_NAMES.map((name) => cell(CHECKS[name], 'dim'))];
  const rows = matrix.rows.map(({ replica, cells }) => [
    cell(replica, CHECK_NAMES.every((name) => cells[name].ok) ? 'plain' : 'strong'),
    ...CHECK_NAMES.map((name) => (cells[name].ok ? cell(cells[name].text, 'good') : cell(`${CROSS} ${cells[name].text}`, 'bad'))),
  ]);
  return columns([head, ...rows], look, { shrink: [2, 3, 4, 1, 7, 5, 6, 0] });
}

/** What is true of the domain now, in one line of figures. */
export function verdict(matrix: Matrix): string {
  const { domain, healthy, url, rows, nodes, pairs, ms } = matrix;
  const good = rows.filter(({ cells }) => CHECK_NAMES.every((name) => cells[name].ok)).length;
  const answering = rows.filter(({ cells }) => cells.throughLb.ok).length;
  const replicas = healthy
    ? `${answering} of ${rows.length} replicas answer through ${url}`
    : `${good} of ${rows.length} replicas pass every check, ${answering} of ${rows.length} answer through ${url}`;
  return `${domain} is ${healthy ? '' : 'not '}healthy: ${replicas}, ${nodes.ready} of ${nodes.total} nodes Ready, ${pairs.connected} of ${pairs.total} pairs connected (${duration(ms)})`;
}
