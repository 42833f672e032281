import type { Deployment } from '../cluster/deployment.ts';
import type { Matrix } from '../cluster/matrix.ts';
import type { Stage } from '../engine/stage.ts';
import { kusciaInit } from './kuscia-init.ts';
import { kusciaStart } from './kuscia-start.ts';
import { mysqlUp } from './mysql-up.ts';
import { networkCreate } from './network-create.ts';
import { nginxLb } from './nginx-lb.ts';
import { preflight } from './preflight.ts';
import { swarmInit } from './swarm-init.ts';
import { swarmJoin } from './swarm-join.ts';
import { verify } from './verify.ts';

/** What a run wants to be told beside events. */
export interface Hooks {
  /** Called with the matrix of each look that verify takes; the last one stands. */
  onMatrix(matrix: Matrix): void;
}

/** The deployment on one screen: its stages, in their order. */
export function deploymentStages(deployment: Deployment, hooks: Hooks): Stage[] {
  return [
    preflight(deployment),
    swarmInit(deployment),
    swarmJoin(deployment),
    networkCreate(deployment),
    mysqlUp(deployment),
    kusciaInit(deployment),
    kusciaStart(deployment),
    nginxLb(deployment),
    verify(deployment, (matrix) => hooks.onMatrix(matrix)),
  ];
}
