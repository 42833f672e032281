import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { JSON_TYPE, refused, routes, viewer, type Answer, type Asked } from './github-routes.ts';
import { GithubState, type StateOptions } from './github-state.ts';

/** A received request, and the status of its answer; undefined if the connection was cut. */
export interface Seen {
  readonly method: string;
  /** Without host; with the query. */
  readonly path: string;
  readonly status: number | undefined;
}

/**
 * What goes wrong with a request: an answer in place of the true one (nothing is carried out), or a connection that is lost before
 * the request is carried out, after it, or in the middle of the answer.
 */
export type DeploymentError = Answer | 'lost-before' | 'lost-after' | 'broken-off';

export interface Fault {
  /** The requests that it concerns; by default all. */
  readonly when?: (asked: { readonly method: string; readonly path: string }) => boolean;
  /** How many of them; by default one. */
  readonly times?: number;
  readonly then: DeploymentError;
}

/** GitHub's REST API as far as src/github uses it. */
export interface GithubApi {
  /** To be given as GITHUB_API_URL. */
  readonly url: string;
  /** To be given as GITHUB_REPOSITORY. */
  readonly repository: string;
  /** The token it takes. */
  readonly token: string;
  readonly state: GithubState;
  readonly requests: readonly Seen[];
  fault(fault: Fault): void;
  close(): Promise<void>;
}

/** The refusals of GitHub that a test injects, as GitHub words them. */
export const REFUSALS = {
  /** https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api, primary; `reset` in seconds of the epoch. */
  spent: (reset: number): Answer => ({
    status: 403,
    headers: {
      'x-ratelimit-limit': '1000',
      'x-ratelimit-remaining': '0',
      'x-ratelimit-used': '1000',
      'x-ratelimit-reset': String(reset),
    },
    body: {
      message: 'API rate limit exceeded for installation ID 12345.',
      documentation_url: 'https://docs.github.com/rest/overview/rate-limits-for-the-rest-api',
      status: '403',
    },
  }),
  /** The same page, secondary; without a number there is no `retry-after`. */
  tooFast: (retryAfter?: number): Answer => ({
    status: 403,
    headers: retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) },
    body: {
      message: 'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.',
      documentation_url:
        'https://docs.github.com/rest/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits',
      status: '403',
    },
  }),
  /** https://docs.github.com/rest/using-the-rest-api/troubleshooting-the-rest-api, "Timeouts". */
  serverError: { status: 502, body: { message: 'Server Error' } } satisfies Answer,
  /** A proxy's page in place of the API's answer. */
  portal: {
    status: 200,
    headers: { 'content-type': 'text/html' },
    body: '<html>Please log in</html>',
  } satisfies Answer,
} as const;

/** Starts the API on that address; by default on a free port of this machine. */
export async function startGithubApi(
  options: StateOptions & { readonly host?: string; readonly port?: number } = {},
): Promise<GithubApi> {
  const { host = '127.0.0.1', port = 0 } = options;
  const requests: Seen[] = [];
  const faults: { when: NonNullable<Fault['when']>; left: number; then: DeploymentError }[] = [];
  const sockets = new Set<Socket>();
  const state = new GithubState(options);
  const faultOf = (asked: Asked): DeploymentError | undefined => {
    const fault = faults.find(({ left, when }) => left > 0 && when(asked));
    if (fault) fault.left -= 1;
    return fault?.then;
  };
  const server = createServer((request, response) => {
    void (async () => {
      const asked = await read(request);
      const trouble = faultOf(asked);
      const answer =
        typeof trouble === 'object' ? trouble : trouble === 'lost-before' ? undefined : answerTo(asked, state);
      const lost = trouble === 'lost-before' || trouble === 'lost-after';
      requests.push({ method: asked.method, path: asked.path, status: lost ? undefined : answer?.status });
      if (lost || answer === undefined) request.socket.destroy();
      else send(response, answer, state, trouble === 'broken-off');
    })();
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((done, fail) => server.once('error', fail).listen(port, host, done));
  const url = `http://${host}:${(server.address() as AddressInfo).port}`;
  state.url = url;
  return {
    url,
    repository: state.repository,
    token: state.token,
    state,
    requests,
    fault: ({ when = () => true, times = 1, then }) => void faults.push({ when, left: times, then }),
    close: () => closed(server, sockets),
  };
}

async function read(request: IncomingMessage): Promise<Asked> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const path = request.url ?? '/';
  const url = new URL(path, 'http://localhost');
  const text = Buffer.concat(chunks).toString('utf8');
  return {
    method: request.method ?? 'GET',
    path,
    pathname: decodeURIComponent(url.pathname),
    query: url.searchParams,
    authorization: request.headers.authorization ?? '',
    body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
  };
}

/** The token is looked at before anything else; https://docs.github.com/rest/authentication/authenticating-to-the-rest-api */
function answerTo(asked: Asked, state: GithubState): Answer {
  if (![`token ${state.token}`, `Bearer ${state.token}`].includes(asked.authorization))
    return refused(401, 'Bad credentials', 'https://docs.github.com/rest');
  if (asked.method === 'POST' && asked.pathname === '/graphql') return viewer(state, asked);
  for (const [method, pattern, route] of routes) {
    const match =
      method === asked.method
        ? pattern.exec(asked.pathname.replace(`/repositories/${state.id}/`, `/repos/${state.repository}/`))
        : null;
    if (match && match[1]?.toLowerCase() === state.repository) return route(state, asked, Number(match[2] ?? 0));
  }
  return refused(404, 'Not Found', 'https://docs.github.com/rest');
}

/** With the headers that every answer of the API has. */
function send(
  response: ServerResponse,
  { status, headers = {}, body }: Answer,
  state: GithubState,
  brokenOff: boolean,
): void {
  const content = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
  const limits = {
    'x-ratelimit-limit': '1000',
    'x-ratelimit-remaining': '999',
    'x-ratelimit-used': '1',
    'x-ratelimit-resource': 'core',
  };
  response.writeHead(status, {
    server: 'github.com',
    date: new Date(state.now()).toUTCString(),
    ...(status === 204 ? {} : { 'content-type': JSON_TYPE, 'content-length': String(Buffer.byteLength(content)) }),
    'x-github-media-type': 'github.v3; format=json',
    'x-github-api-version-selected': '2022-11-28',
    ...limits,
    ...headers,
  });
  if (brokenOff) response.write(content.slice(0, Math.floor(content.length / 2)), () => response.destroy());
  else response.end(content);
}

async function closed(server: Server, sockets: ReadonlySet<Socket>): Promise<void> {
  const done = new Promise<void>((resolve) => server.close(() => resolve()));
  sockets.forEach((socket) => socket.destroy());
  await done;
}
