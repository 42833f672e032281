import { deploymentError, DeploymentError, type Failure } from '../engine/errors.ts';
import { buildCluster } from './build.ts';
import { checkProblems } from './checks.ts';
import type { Cluster } from './cluster.ts';
import { pathText } from './problem.ts';
import { clusterSchema } from './schema.ts';
import { validPartsOf, shapeProblems } from './shape.ts';
import { readSource, type Source, type TextFault } from './source.ts';

interface Fault extends TextFault {
  readonly remedy?: string;
}

const REMEDY = 'Correct the cluster file. docs/cluster-file.md describes every key.';

/** How many errors are listed one by one. */
const MAX_LISTED_ERRORS = 50;

/** A cluster file has at least two of these keys. */
const CHARACTERISTIC_KEYS = ['domain', 'image', 'hosts'] as const;

/**
 * The cluster described by the text. Throws a DeploymentError with every error, each with its line, column and path.
 * Shows no content of a text that is not a cluster file.
 */
export function readCluster(text: string, fileName: string): Cluster {
  const source = readSource(text);
  const mismatch = mismatchOf(source);
  if (mismatch !== undefined)
    throw deploymentError({
      code: 'cluster-file-unfit',
      what: `${fileName} is not a cluster file: ${mismatch}; its content is not shown`,
      remedy: 'Set the input cluster to the cluster file; docs/cluster-file.md shows an example.',
    });
  const faults: Fault[] = source.faults.length > 0 ? [...source.faults] : valueFaults(source);
  if (faults.length > 0) throw new DeploymentError(failures(faults, source, fileName));
  return buildCluster(clusterSchema.parse(source.value));
}

/** Why the text is not a cluster file, without quoting it; undefined if it may be one. */
function mismatchOf(source: Source): string | undefined {
  const { keys, faults } = source;
  const found = CHARACTERISTIC_KEYS.filter((key) => keys?.includes(key));
  if (keys === undefined || found.length > 1) return undefined;
  const [broken] = faults.map(({ offset }) => source.place(offset));
  const count = found.length === 0 ? 'none' : `only ${found.join()}`;
  const invalid = broken === undefined ? '' : `, and it is not valid YAML at ${broken.line}:${broken.column}`;
  return `of the keys ${CHARACTERISTIC_KEYS.join(', ')} it has ${count}${invalid}`;
}

function valueFaults(source: Source): Fault[] {
  const problems = [...shapeProblems(source.value), ...checkProblems(validPartsOf(source.value), source.value)];
  return problems.map(({ path, at, text, remedy }) => ({
    offset: source.offset(path, at),
    text: path.length > 0 ? `${pathText(path)}  ${text}` : text,
    ...(remedy === undefined ? {} : { remedy }),
  }));
}

function failures(faults: readonly Fault[], source: Source, fileName: string): Failure[] {
  const sorted = [...faults].sort((a, b) => a.offset - b.offset);
  const listed = sorted.slice(0, MAX_LISTED_ERRORS).map(({ offset, text, remedy }): Failure => {
    const { line, column } = source.place(offset);
    return { code: 'cluster-file-invalid', what: `${fileName}:${line}:${column}  ${text}`, remedy: remedy ?? REMEDY };
  });
  const more = sorted.length - listed.length;
  return more > 0
    ? [...listed, { code: 'cluster-file-invalid', what: `${fileName}: ${more} more errors`, remedy: REMEDY }]
    : listed;
}
