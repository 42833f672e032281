import { Trouble, type Failure } from '../engine/errors.ts';
import { buildCluster } from './build.ts';
import { checkProblems } from './checks.ts';
import type { Cluster } from './cluster.ts';
import { pathText } from './problem.ts';
import { clusterSchema } from './schema.ts';
import { draftOf, shapeProblems } from './shape.ts';
import { readSource, type Place } from './source.ts';

interface Fault {
  readonly place: Place;
  readonly text: string;
  readonly remedy?: string;
}

const REMEDY = 'Correct the cluster file; docs/cluster-file.md says what each key takes.';

/** Failures that are listed one by one; a file with more of them is no cluster file. */
const MOST_FAULTS = 50;

/** The cluster that the text describes. Throws a Trouble with every fault of the text, each with its line, column and path. */
export function readCluster(text: string, fileName: string): Cluster {
  const source = readSource(text);
  const faults: Fault[] = source.faults.length > 0 ? [...source.faults] : valueFaults(source);
  if (faults.length > 0) throw new Trouble(failures(faults, fileName));
  return buildCluster(clusterSchema.parse(source.value));
}

function valueFaults(source: ReturnType<typeof readSource>): Fault[] {
  const problems = [...shapeProblems(source.value), ...checkProblems(draftOf(source.value), source.value)];
  return problems.map(({ path, at, text, remedy }) => ({
    place: source.place(path, at),
    text: path.length > 0 ? `${pathText(path)}  ${text}` : text,
    ...(remedy === undefined ? {} : { remedy }),
  }));
}

function failures(faults: readonly Fault[], fileName: string): Failure[] {
  const sorted = [...faults].sort((a, b) => a.place.line - b.place.line || a.place.column - b.place.column);
  const listed = sorted.slice(0, MOST_FAULTS).map(({ place, text, remedy }): Failure => ({
    code: 'cluster-file-invalid',
    what: `${fileName}:${place.line}:${place.column}  ${text}`,
    remedy: remedy ?? REMEDY,
  }));
  const more = sorted.length - listed.length;
  return more > 0 ? [...listed, { code: 'cluster-file-invalid', what: `${fileName}: ${more} more faults`, remedy: REMEDY }] : listed;
}
