/**
 * The stages in their order; each name is also the folder under actions/, the job, the log group and the value of the
 * `stage` input.
 */
export const STAGES = [
  'preflight',
  'swarm-init',
  'swarm-join',
  'network-create',
  'mysql-up',
  'kuscia-init',
  'kuscia-start',
  'nginx-lb',
  'verify',
] as const;

/** The stage that changes nothing and proves the whole: nothing of a deployment comes after it. */
export const PROOF = 'verify';

export type StageName = (typeof STAGES)[number];
