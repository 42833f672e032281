import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hosts } from '../../../lab/lab.ts';
import type { ActionOptions } from '../deployment/action.ts';
import type { Given } from './secrets.ts';

/** The cluster of the audit: a login that is not root, a registry with a login, https in front. */
export const CLUSTER = [
  'domain: alice',
  'image: secretflow/kuscia:1.1.0b0',
  'ssh: { user: deploy }',
  'registry: { server: registry.lab:5000, username: puller }',
  'load-balancer: { scheme: https, port: 8443 }',
  'hosts:',
  ...hosts
    .slice(0, 3)
    .map(
      ({ name, address }, i) =>
        `  ${name}: { address: ${address}, roles: [${i === 0 ? 'manager, database, load-balancer' : 'replica'}] }`,
    ),
  '',
].join('\n');

/** Where jobs hand over to each other, as the runner's artifacts do. */
export const artifacts = mkdtempSync(join(tmpdir(), 'artifacts-'));

/** Where failed runs leave the logs of the hosts. */
export const logs = mkdtempSync(join(tmpdir(), 'logs-'));

/** One run of the action, and how it is to end. */
export interface AuditedRun extends ActionOptions {
  readonly name: string;
  readonly cluster?: string;
  readonly fails?: true;
  /** Whether the logs of its hosts are kept: of a failure that they could say more of. */
  readonly keepsLogs?: true;
  readonly says: readonly (string | RegExp)[];
}

/** What every run is given, whatever way it takes to the hosts. */
export const usualInputs = (given: Given, certificate: string): Record<string, string> => ({
  'database-password': given['database password'],
  'registry-password': given['registry password'],
  'load-balancer-certificate': certificate,
  'load-balancer-key': given['load balancer key'],
  'seal-key': given['seal key'],
});

/** A whole life of a deployment: planned, begun by jobs that hand over to each other, cancelled, completed, looked at, refused. */
export function auditedRuns(given: Given, certificate: string): readonly AuditedRun[] {
  const usual = {
    ...usualInputs(given, certificate),
    'ssh-key': given['SSH key'],
    'ssh-key-passphrase': given['SSH key passphrase'],
    'logs-out': logs,
  };
  const job = { GITHUB_REPOSITORY: 'acme/clusters', GITHUB_RUN_ID: '71', GITHUB_RUN_ATTEMPT: '1' };
  const audited = ({ inputs, env, ...rest }: AuditedRun): AuditedRun => ({
    ...rest,
    inputs: { ...usual, ...inputs },
    env: { ...job, ...env },
  });
  const [taking, handing] = [{ 'artifacts-in': artifacts }, { 'artifacts-out': artifacts }];
  return [
    { name: 'a plan', inputs: { mode: 'plan', ...handing }, says: ['initialise'] },
    {
      name: 'the job swarm-init',
      inputs: { stage: 'preflight, swarm-init', ...taking, ...handing },
      says: ['swarm-init'],
    },
    {
      name: 'the job swarm-join of a host',
      inputs: { stage: 'swarm-join', host: 'node-02', ...taking },
      says: ['join as worker'],
    },
    { name: 'a whole deployment, cancelled', interrupt: { signal: 'INT', after: 5 }, fails: true, says: ['KS-1111'] },
    {
      name: 'a whole deployment, with all that GitHub can be made to log',
      env: { RUNNER_DEBUG: '1' },
      says: ['start replica'],
    },
    {
      name: 'the job swarm-joined, after which the join tokens are worthless',
      inputs: { stage: 'swarm-join', ...taking },
      says: ['nothing to change'],
    },
    { name: 'the job kuscia-init', inputs: { stage: 'kuscia-init', ...handing }, says: [] },
    { name: 'the job kuscia-start', inputs: { stage: 'kuscia-start', ...taking }, says: [] },
    { name: 'a whole deployment again', says: [/no change|nothing/i] },
    { name: 'a look', inputs: { mode: 'verify' }, says: [] },
    {
      name: 'a wrong database password',
      inputs: { 'database-password': given['wrong database password'] },
      fails: true,
      keepsLogs: true,
      says: ['KS-1302'],
    },
    {
      name: 'an image that the registry does not have',
      cluster: CLUSTER.replace('secretflow/kuscia:1.1.0b0', 'registry.lab:5000/secretflow/absent:1.0'),
      fails: true,
      keepsLogs: true,
      says: ['image-unavailable', 'absent:1.0'],
    },
  ].map((each) => audited(each as AuditedRun));
}
