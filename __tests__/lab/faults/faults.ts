import { DATABASE_FAULTS } from './database.ts';
import { ENGINE_FAULTS } from './engines.ts';
import type { Fault } from './fault.ts';
import { HOST_FAULTS } from './hosts.ts';
import { IMAGE_FAULTS } from './images.ts';
import { REPLACEMENT_FAULTS } from './replacements.ts';
import { LOGIN_FAULTS } from './logins.ts';
import { PATH_FAULTS } from './paths.ts';
import { REPLICA_FAULTS } from './replicas.ts';
import { SWARM_FAULTS } from './swarm.ts';
import { TASK_FAULTS } from './tasks.ts';
import { VERIFY_FAULTS } from './verifies.ts';

const families: readonly Fault[] = [
  ...HOST_FAULTS,
  ...DATABASE_FAULTS,
  ...REPLICA_FAULTS,
  ...IMAGE_FAULTS,
  ...SWARM_FAULTS,
  ...VERIFY_FAULTS,
  ...ENGINE_FAULTS,
  ...TASK_FAULTS,
  ...REPLACEMENT_FAULTS,
  ...LOGIN_FAULTS,
  ...PATH_FAULTS,
];

/** Every fault, in the order in which they are tried: those on a deployed cluster first, so that it is deployed once. */
export const FAULTS: readonly Fault[] = [
  ...families.filter(({ on }) => on === 'deployed cluster'),
  ...families.filter(({ on }) => on === 'empty hosts'),
];
