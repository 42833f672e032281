import type { Deployment } from '../cluster/deployment.ts';
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

/** The deployment on one screen: its stages, in their order. */
export function deploymentStages(deployment: Deployment): Stage[] {
  return [
    preflight(deployment),
    swarmInit(deployment),
    swarmJoin(deployment),
    networkCreate(deployment),
    mysqlUp(deployment),
    kusciaInit(deployment),
    kusciaStart(deployment),
    nginxLb(deployment),
    verify(deployment),
  ];
}
