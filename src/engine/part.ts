import { Plan, type Note } from './plan.ts';
import type { Snapshots } from './snapshots.ts';

/**
 * Whether a note belongs to a run: it concerns one of the run's hosts, and is done or observed on a host that the run
 * reaches.
 */
function isOwn(note: Note, hosts: ReadonlySet<string>, snapshots: Snapshots | undefined): boolean {
  const at = note.at ?? note.host;
  return (hosts.has(note.host) || hosts.has(at)) && snapshots?.reaches(at) !== false;
}

/** The plan without the changes that jobs of other hosts make. Failures stay, wherever they were found. */
export function ownPart(plan: Plan, hosts: ReadonlySet<string> | undefined, snapshots: Snapshots | undefined): Plan {
  if (hosts === undefined) return plan;
  const own = new Plan();
  const belongs = (note: Note): boolean => isOwn(note, hosts, snapshots);
  own.steps.push(...plan.steps.filter(belongs));
  own.satisfied.push(...plan.satisfied.filter(belongs));
  own.later.push(...plan.later.filter(belongs));
  own.awaited.push(...plan.awaited.filter(belongs));
  own.failures.push(...plan.failures);
  own.warnings.push(...plan.warnings);
  if (plan.proof) own.proof = plan.proof;
  return own;
}
