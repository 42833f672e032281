import type { Cluster } from '../cluster/cluster.ts';
import type { Deployment } from '../cluster/deployment.ts';
import { applies } from '../cluster/jobs.ts';
import type { Stage, Wish } from '../engine/stage.ts';
import type { StageDefinition } from './definition.ts';
import { kusciaInit } from './kuscia-init.ts';
import { kusciaStart } from './kuscia-start.ts';
import { mysqlUp } from './mysql-up.ts';
import { networkCreate } from './network-create.ts';
import { nginxLb } from './nginx-lb.ts';
import { preflight } from './preflight.ts';
import { swarmInit } from './swarm-init.ts';
import { swarmJoin } from './swarm-join.ts';
import { verify } from './verify.ts';

/** The deployment on one screen: its stages, in order. */
export const DEFINITIONS = [
  preflight,
  swarmInit,
  swarmJoin,
  networkCreate,
  mysqlUp,
  kusciaInit,
  kusciaStart,
  nginxLb,
  verify,
] as const;

export type StageName = (typeof DEFINITIONS)[number]['name'];

/** Their names, in order. */
export const STAGES: readonly StageName[] = DEFINITIONS.map(({ name }) => name);

/** Everything about the stage of that name. */
export const definitionOf = (name: StageName): StageDefinition<StageName> =>
  DEFINITIONS[STAGES.indexOf(name)] as StageDefinition<StageName>;

/**
 * The stages that this cluster needs, in order. For removal: only those that are removable, in reverse order, since
 * whatever needs a stage must be gone before it.
 */
export function deploymentStages(
  deployment: Deployment,
  wish: Wish = 'present',
  definitions: readonly StageDefinition[] = DEFINITIONS,
): Stage[] {
  const planned = definitions.filter(
    (definition) => applies(definition, deployment.cluster) && (wish === 'present' || definition.removable),
  );
  /** A stage that needs an omitted stage needs that one's own prerequisites instead. */
  const replaceOmitted = (name: string): readonly string[] =>
    planned.some((each) => each.name === name)
      ? [name]
      : (definitions.find((each) => each.name === name)?.needs ?? []).flatMap(replaceOmitted);
  const stages = planned.map((definition) => {
    const stage = definition.of(deployment, wish);
    return {
      ...stage,
      needs: stage.needs.flatMap(replaceOmitted),
      ...(stage.startAfter && { startAfter: stage.startAfter.flatMap(replaceOmitted) }),
    };
  });
  if (wish === 'present') return stages;
  const needing = (name: string): string[] =>
    stages.filter(({ needs }) => needs.includes(name)).map((stage) => stage.name);
  return stages.map((stage) => ({ ...stage, needs: needing(stage.name) })).reverse();
}

/** Those of the given stages that a cluster needs. */
export const applying = (names: readonly StageName[], cluster: Cluster): readonly StageName[] =>
  names.filter((name) => applies(definitionOf(name), cluster));

/** Whether jobs of the stage may run on several hosts at the same time. */
export function goesSideBySide(name: StageName): boolean {
  const { jobs } = definitionOf(name);
  return jobs !== undefined && 'hosts' in jobs && jobs.order === 'side by side';
}
