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
export type StageName = (typeof STAGES)[number];
