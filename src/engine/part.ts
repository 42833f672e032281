import { Plan, type Note } from './plan.ts';
import type { Snapshots } from './snapshots.ts';

/**
 * Whether a run does what a note tells of: it concerns one of its hosts, and is done or seen at a host that the run
 * reaches.
 */
function isOwn(note: Note, hosts: ReadonlySet<string>, snapshots: Snapshots | undefined): boolean {
  const at = note.at ?? note.host;
  return (hosts.has(note.host) || hosts.has(at)) && snapshots?.reaches(at) !== false;
}

/** The plan without what jobs of other hosts bring about. What forbids going on stays, wherever it was found. */
export function ownPart(plan: Plan, hosts: ReadonlySet<string> | undefined, snapshots: Snapshots | undefined): Plan {
  if (hosts === undefined) return plan;
  const own = new Plan();
  const mine = (note: Note): boolean => isOwn(note, hosts, snapshots);
  own.steps.push(...plan.steps.filter(mine));
  own.satisfied.push(...plan.satisfied.filter(mine));
  own.later.push(...plan.later.filter(mine));
  own.awaited.push(...plan.awaited.filter(mine));
  own.failures.push(...plan.failures);
  own.warnings.push(...plan.warnings);
  if (plan.proof) own.proof = plan.proof;
  return own;
}
