import { deploymentError, DeploymentError, type Failure } from '../engine/errors.ts';
import { buildCluster } from './build.ts';
import { checkProblems } from './checks.ts';
import type { Cluster } from './cluster.ts';
import { pathText } from './problem.ts';
import { clusterSchema } from './schema.ts';
import { draftOf, shapeProblems } from './shape.ts';
import { readSource, type Source, type TextFault } from './source.ts';

interface Fault extends TextFault {
  readonly remedy?: string;
}

const REMEDY = 'Correct the cluster file; docs/cluster-file.md says what each key takes.';

/** Failures that are listed one by one; a file with more of them is no cluster file. */
const MOST_FAULTS = 50;

/** Keys of which a text that means to describe a cluster has two at least. */
const TELLING = ['domain', 'image', 'hosts'] as const;

/**
 * The cluster that the text describes. Throws a DeploymentError with every fault of the text, each with its line,
 * column and path; nothing is shown of a text that is something else.
 */
export function readCluster(text: string, fileName: string): Cluster {
  const source = readSource(text);
  const foreign = foreignness(source);
  if (foreign !== undefined)
    throw deploymentError({
      code: 'cluster-file-unfit',
      what: `${fileName} is not a cluster file: ${foreign}; nothing of it is shown`,
      remedy: 'Name the cluster file in the input cluster; docs/cluster-file.md shows one.',
    });
  const faults: Fault[] = source.faults.length > 0 ? [...source.faults] : valueFaults(source);
  if (faults.length > 0) throw new DeploymentError(failures(faults, source, fileName));
  return buildCluster(clusterSchema.parse(source.value));
}

/** What of the text says that it is something else than a cluster file, without a word of it. */
function foreignness(source: Source): string | undefined {
  const { keys, faults } = source;
  const found = TELLING.filter((key) => keys?.includes(key));
  if (keys === undefined || found.length > 1) return undefined;
  const [broken] = faults.map(({ offset }) => source.place(offset));
  return (
    `of the keys ${TELLING.join(', ')} it has ${found.length === 0 ? 'none' : `only ${found.join()}`}` +
    (broken === undefined ? '' : `, and as YAML it breaks off at ${broken.line}:${broken.column}`)
  );
}

function valueFaults(source: Source): Fault[] {
  const problems = [...shapeProblems(source.value), ...checkProblems(draftOf(source.value), source.value)];
  return problems.map(({ path, at, text, remedy }) => ({
    offset: source.offset(path, at),
    text: path.length > 0 ? `${pathText(path)}  ${text}` : text,
    ...(remedy === undefined ? {} : { remedy }),
  }));
}

function failures(faults: readonly Fault[], source: Source, fileName: string): Failure[] {
  const sorted = [...faults].sort((a, b) => a.offset - b.offset);
  const listed = sorted.slice(0, MOST_FAULTS).map(({ offset, text, remedy }): Failure => {
    const { line, column } = source.place(offset);
    return { code: 'cluster-file-invalid', what: `${fileName}:${line}:${column}  ${text}`, remedy: remedy ?? REMEDY };
  });
  const more = sorted.length - listed.length;
  return more > 0
    ? [...listed, { code: 'cluster-file-invalid', what: `${fileName}: ${more} more faults`, remedy: REMEDY }]
    : listed;
}
