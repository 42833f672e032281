import { GithubReporter } from '../../src/github/reporter.ts';
import { run } from '../../src/github/dispatch.ts';
import { startGithubApi, type GithubApi } from '../support/github-api.ts';
import type { StateOptions } from '../support/github-state.ts';

/** The log of a run, and how it ended. */
export interface Told {
  readonly code: number;
  readonly log: string;
  readonly notices: readonly string[];
  readonly warnings: readonly string[];
  readonly errors: readonly string[];
  readonly outputs: Readonly<Record<string, string>>;
  readonly summary: string;
}

/** GitHub, and runs that use it, with a clock that only waiting advances. */
export interface Scene {
  readonly api: GithubApi;
  /** Milliseconds, for the runs and for GitHub. */
  readonly clock: { now: number };
  /** Every wait, in milliseconds. */
  readonly pauses: number[];
  run(env: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<Told>;
}

export const START = Date.UTC(2026, 10, 24, 3, 17);
export const RUN_ID = 4711;
export const DOCS = 'https://github.com/acme/kuscia-swarm/blob/v1/docs/troubleshooting.md';

export async function openScene(options: StateOptions = {}): Promise<Scene> {
  const clock = { now: START };
  const pauses: number[] = [];
  const api = await startGithubApi({ ...options, now: () => clock.now });
  return {
    api,
    clock,
    pauses,
    run: (env, signal = new AbortController().signal) => runOn(api, clock, pauses, env, signal),
  };
}

async function runOn(
  api: GithubApi,
  clock: { now: number },
  pauses: number[],
  env: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Told> {
  const told = {
    log: '',
    notices: [] as string[],
    warnings: [] as string[],
    errors: [] as string[],
    outputs: {} as Record<string, string>,
    summary: '',
  };
  const summary = {
    addRaw: (text: string) => {
      told.summary += text;
      return summary;
    },
    write: () => Promise.resolve(summary),
  };
  const runner = {
    startGroup: () => undefined,
    endGroup: () => undefined,
    setSecret: () => undefined,
    error: (message: string | Error) => void told.errors.push(String(message)),
    warning: (message: string | Error) => void told.warnings.push(String(message)),
    notice: (message: string | Error) => void told.notices.push(String(message)),
    setOutput: (name: string, value: string) => void (told.outputs[name] = value),
    summary,
  };
  const reporter = new GithubReporter(
    { write: (text) => (told.log += text) },
    DOCS,
    runner as unknown as ConstructorParameters<typeof GithubReporter>[2],
  );
  const pause = (ms: number, signal: AbortSignal): Promise<void> => {
    pauses.push(ms);
    clock.now += ms;
    signal.throwIfAborted();
    return Promise.resolve();
  };
  const place = {
    GITHUB_REPOSITORY: api.repository,
    GITHUB_API_URL: api.url,
    GITHUB_SERVER_URL: 'https://github.com',
    GITHUB_RUN_ID: String(RUN_ID),
    GITHUB_RUN_ATTEMPT: '1',
    INPUT_TOKEN: api.token,
  };
  const read = (): string => JSON.stringify({ pull_request: { number: 1 } });
  const code = await run({ env: { ...place, ...env }, read, reporter, signal, now: () => clock.now, pause });
  return { code, ...told };
}
