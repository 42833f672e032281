import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll } from '@jest/globals';
import { Decrypter, generateX25519Identity } from 'age-encryption';
import { ensureAct } from '../../../lab/github/act.ts';
import { hosts, paths } from '../../../lab/lab.ts';
import { unzipped } from '../../../lab/github/zip.ts';
import { forwardFromLab } from '../../../lab/github/forward.ts';
import {
  forgetArtifacts,
  readable,
  runWorkflow,
  storedArtifacts,
  type WorkflowEnd,
  type WorkflowRun,
} from '../../../lab/github/workflow.ts';
import { DATABASE_PASSWORD } from '../deployment/action.ts';
import { startGithubApi, type GithubApi } from '../../support/github-api.ts';
import type { GithubState } from '../../support/github-state.ts';
import { Seeker } from '../../support/seeker.ts';
import { spellingsOf } from '../../support/spellings.ts';
import { seenOn } from '../deployment/seen.ts';
import { freshHosts } from '../support/fresh.ts';

/** Fresh hosts, no artifacts of before, and GitHub's API. */
export function freshCaller(): void {
  let close: (() => Promise<void>) | undefined;
  freshHosts(3);
  // On a machine that has no act yet, Go builds it: minutes on a busy one, which are no test's own.
  beforeAll(async () => void (await ensureAct(console.log)), 600_000);
  beforeAll(async () => {
    forgetArtifacts();
    const api = await startGithubApi({ repository: REPOSITORY });
    const forwarded = await forwardFromLab(Number(new URL(api.url).port));
    api.state.url = forwarded.url;
    github = { api, url: forwarded.url };
    close = async () => {
      forwarded.close();
      await api.close();
    };
  }, 60_000);
  afterAll(() => close?.());
}

const REPOSITORY = 'acme/clusters';
let github: { readonly api: GithubApi; readonly url: string } | undefined;

/** What GitHub's API holds of the caller's repository. */
export function onGithub(): GithubState {
  if (!github) throw new Error('the API was not started');
  return github.api.state;
}

/** The cluster of the caller: over SSH, or with a runner on each host. */
export function clusterFile(via: 'ssh' | 'local' = 'ssh'): string {
  const roles = ['manager, database, load-balancer', 'replica', 'replica'];
  const lines = hosts
    .slice(0, 3)
    .map(
      ({ name, address }, i) =>
        `  ${name}: { address: ${address}, ${via === 'local' ? `via: local, runner: [${name}], ` : ''}roles: [${roles[i] ?? ''}] }`,
    );
  return ['domain: alice', 'image: secretflow/kuscia:1.1.0b0', 'memory: 2GiB', 'hosts:', ...lines, ''].join('\n');
}

/** One of the workflows that users copy. */
export const template = (name: string): string =>
  readFileSync(join(paths.repository, 'workflows', `${name}.yml`), 'utf8');

/** An age identity of this test run. */
export const SEAL_KEY = await generateX25519Identity();

/** The secrets that a caller sets; none for SSH if each host has its own runner. */
export function callerSecrets(
  via: 'ssh' | 'local' = 'ssh',
  changes: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const ssh =
    via === 'ssh'
      ? {
          KUSCIA_SSH_KEY: readFileSync(paths.sshKey, 'utf8'),
          KUSCIA_KNOWN_HOSTS: readFileSync(paths.knownHosts, 'utf8'),
        }
      : {};
  return { ...ssh, KUSCIA_DATABASE_PASSWORD: DATABASE_PASSWORD, KUSCIA_SEAL_KEY: SEAL_KEY, ...changes };
}

/** Runs a workflow of a repository that holds a cluster file, this workflow and nothing else. */
export async function called(
  workflow: string,
  options: Partial<WorkflowRun> & { readonly via?: 'ssh' | 'local' } = {},
): Promise<WorkflowEnd> {
  const { via = 'ssh', ...rest } = options;
  const path = '.github/workflows/caller.yml';
  const end = await runWorkflow({
    repository: REPOSITORY,
    workflow: path,
    ...(github && { api: github.url, token: github.api.token }),
    files: { 'cluster.yml': clusterFile(via), [path]: workflow },
    secrets: callerSecrets(via),
    ...rest,
  });
  ended.push(end);
  return end;
}

const ended: WorkflowEnd[] = [];

/** Jobs by result, legs of a matrix by number. */
export const results = ({ jobs }: WorkflowEnd): Record<string, string> =>
  Object.fromEntries(jobs.map(({ job, result }) => [job.trim().replace(/^.*\//, ''), result]));

/** The failures in a log, by number and name. */
export const errors = ({ log }: WorkflowEnd): string[] => [
  ...new Set([...readable(log).matchAll(/Error (KS-\d+ [a-z-]+)/g)].map((match) => match[1] ?? '')),
];

/** What each job gave as an output of that name, by job. */
export function outputs({ log }: WorkflowEnd, name: string): Record<string, string> {
  const given = readable(log)
    .split('\n')
    .flatMap((line) => {
      const match = /^\[(.+?)\s*\]\s+⚙ {2}::set-output:: (\S+?)=(.*)$/.exec(line);
      return match?.[2] === name ? [[(match[1] ?? '').replace(/^.*\//, ''), match[3] ?? ''] as const] : [];
    });
  return Object.fromEntries(given);
}

/** An artifact of a run, opened. */
export interface Opened {
  /** Its path among the stored artifacts. */
  readonly path: string;
  readonly kind: string;
  readonly content: string;
}

/** Every sealed file among the stored artifacts, opened with the seal key by age itself. */
export async function openedArtifacts(): Promise<Opened[]> {
  const sealed = storedArtifacts().flatMap(({ path, bytes }) =>
    [...unzipped(bytes)].map(([name, content]) => ({ path: `${path}: ${name}`, content })),
  );
  return Promise.all(
    sealed.map(async ({ path, content }) => {
      const decrypter = new Decrypter();
      decrypter.addIdentity(SEAL_KEY);
      return { path, ...(JSON.parse(await decrypter.decrypt(content, 'text')) as { kind: string; content: string }) };
    }),
  );
}

/** The join tokens that travelled in artifacts. */
export const handedTokens = async (): Promise<string[]> =>
  (await openedArtifacts())
    .filter(({ kind }) => kind === 'join-tokens')
    .flatMap(({ content }) => Object.values(JSON.parse(content) as Record<string, string>));

/** The join tokens that let a host in now. */
export const tokensInUse = async (): Promise<string[]> =>
  (await seenOn('node-01', 'docker swarm join-token -q worker; docker swarm join-token -q manager')).split('\n');

/** All secrets that must not appear anywhere, in every possible form: those of the caller and of the cluster, the passed tokens, and `also`. */
export async function hiddenForms(also: readonly string[] = []): Promise<string[]> {
  const tokens = [...(await tokensInUse()), ...(await handedTokens())];
  const key = /domainKeyData: *(\S+)/.exec(await seenOn('node-02', 'cat ~/kuscia-swarm/alice/kuscia.yaml'))?.[1] ?? '';
  if (tokens.length < 2 || key === '') throw new Error('the secrets of the cluster cannot be read');
  const ofGithub = github ? [github.api.token] : [];
  const all = [
    ...tokens,
    key,
    Buffer.from(key, 'base64').toString(),
    DATABASE_PASSWORD,
    SEAL_KEY,
    readFileSync(paths.sshKey, 'utf8'),
    ...ofGithub,
    ...also,
  ];
  return [...new Set(all.flatMap((text) => [...spellingsOf(text).keys()]))];
}

/** The artifacts that are sealed because they are secret; all others are also searched within their seal. */
const SECRET_KINDS = ['join-tokens', 'kuscia-configuration', 'snapshot'];

/** The places where one of these texts appears: in a log, a summary, an output, or the bytes of an artifact, packed or not. */
export async function places(forms: readonly string[]): Promise<string[]> {
  const logs = ended.map(({ log }, i) => ({ where: `run ${i + 1}`, text: withoutMasks(log) }));
  const artifacts = storedArtifacts().flatMap(({ path, bytes }) => [
    { where: path, text: bytes },
    ...[...unzipped(bytes)].map(([name, content]) => ({ where: `${path}: ${name}`, text: content })),
  ]);
  if (logs.length === 0 || artifacts.length === 0) throw new Error('there is nothing to look through');
  const opened = (await openedArtifacts())
    .filter(({ kind }) => !SECRET_KINDS.includes(kind))
    .map(({ path, content }) => ({ where: `${path}, opened`, text: content }));
  const seeker = new Seeker(forms.map((form) => [form, form]));
  return [...logs, ...artifacts, ...opened]
    .filter(({ text }) => seeker.find(Buffer.from(text)).length > 0)
    .map(({ where }) => where);
}

/** The runner swallows the lines that announce a mask. */
const withoutMasks = (log: string): string =>
  `${log}\n${readable(log)}`
    .split('\n')
    .filter((line) => !line.includes('::add-mask::'))
    .join('\n');
