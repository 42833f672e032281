import { DATABASE_FAULTS } from './database.ts';
import type { Fault } from './fault.ts';
import { HOST_FAULTS } from './hosts.ts';
import { IMAGE_FAULTS } from './images.ts';
import { PATH_FAULTS } from './paths.ts';
import { REPLICA_FAULTS } from './replicas.ts';
import { SWARM_FAULTS } from './swarm.ts';

const families: readonly Fault[] = [...HOST_FAULTS, ...DATABASE_FAULTS, ...REPLICA_FAULTS, ...IMAGE_FAULTS, ...SWARM_FAULTS, ...PATH_FAULTS];

/** Every fault, in the order in which they are tried: those on a deployed cluster first, so that it is deployed once. */
export const FAULTS: readonly Fault[] = [...families.filter(({ on }) => on === 'deployed cluster'), ...families.filter(({ on }) => on === 'empty hosts')];
