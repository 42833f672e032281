import { readFileSync } from 'node:fs';
import {
  createServer as createHttp,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttps } from 'node:https';
import { createServer as createTcp, type Server as TcpServer } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { requestLine } from './noise.ts';

/** The connection beneath a TLS socket. */
interface Raw {
  readonly _parent?: NodeJS.WritableStream;
}

/** A certificate with its key, both PEM. */
export interface Pair {
  readonly cert: string;
  readonly key: string;
}

export interface PortsWish {
  readonly domain: string;
  readonly hostname: string;
  readonly version: string;
  /** '' (the default), NOTLS, TLS or MTLS. */
  readonly protocol: string;
  readonly token: string;
  /** Trusted by the ports that want a client certificate. */
  readonly authority: string;
  readonly gateway: Pair;
  readonly api: Pair;
  readonly handshake: (request: IncomingMessage) => Promise<unknown>;
  readonly domainQuery: (domain: string) => Promise<unknown>;
  readonly domainCreate: (body: Record<string, string>) => Promise<unknown>;
  /** Takes the line of the log that each request to KusciaAPI makes. */
  readonly requested: (line: string) => void;
}

const allReady = '{"status":{"code":0,"message":"success","details":[]},"data":{"ready":true}}';
const metrics =
  '# HELP go_goroutines Number of goroutines that currently exist.\n# TYPE go_goroutines gauge\ngo_goroutines 1321\n# HELP go_info Information about the Go environment.\n# TYPE go_info gauge\ngo_info{version="stand-in"} 1\n';

function send(response: ServerResponse, code: number, body = '', type = 'text/plain; charset=utf-8'): void {
  response.writeHead(code, { 'content-type': type, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

const json = (response: ServerResponse, body: string, code = 200): void =>
  send(response, code, body, 'application/json; charset=utf-8');

/** Answers that hang on the path alone; `ending` is what follows "404 page not found". */
const pages =
  (answers: Readonly<Record<string, string>>, ending = ''): RequestListener =>
  (request, response) => {
    const found = answers[`${request.method} ${(request.url ?? '').split('?')[0]}`];
    if (found === undefined) send(response, 404, `404 page not found${ending}`);
    else if (found.startsWith('{')) json(response, found);
    else send(response, 200, found);
  };

/** The gateway on 1080 and 80: who may not pass gets the 401, its headers in Envoy's order; the handshake of a peer passes. */
function gateway(
  { domain, hostname, version, handshake }: PortsWish,
  listener: 'external' | 'internal',
): RequestListener {
  return (request, response) => {
    if (request.url?.startsWith('/handshake') && request.headers['kuscia-host'] === `kuscia-handshake.${domain}.svc`) {
      void handshake(request).then(
        (body) => json(response, `${JSON.stringify(body)}\n`),
        () => send(response, 503),
      );
      return;
    }
    const body = `${JSON.stringify({ domain, instance: hostname, kuscia: version, reason: 'unauthorized.' })}\n`;
    // Node would add its own, at the end.
    response.sendDate = false;
    response.removeHeader('connection');
    response.writeHead(401, [
      'x-accel-buffering',
      'no',
      'content-length',
      String(Buffer.byteLength(body)),
      'content-type',
      'text/plain',
      'kuscia-error-message',
      `<${domain}/${hostname}/${listener} $$ Unauthorized>`,
      'date',
      new Date().toUTCString(),
      'server',
      'kuscia-gateway',
      ...(request.headers.connection?.toLowerCase() === 'close' ? ['connection', 'close'] : []),
    ]);
    response.end(body);
  };
}

function kusciaApi({ token, protocol, requested, ...wish }: PortsWish): RequestListener {
  const calls: Readonly<Record<string, (body: Record<string, string>) => Promise<unknown>>> = {
    '/api/v1/domain/query': (body) => wish.domainQuery(body.domain_id ?? ''),
    '/api/v1/domain/create': (body) => wish.domainCreate(body),
  };
  return (request, response) => {
    const { url = '' } = request;
    if (request.method !== 'POST') return send(response, 404, '404 page not found');
    if (protocol !== 'NOTLS' && request.headers.token !== token) return send(response, 401);
    const call = url === '/healthZ' ? () => Promise.resolve(allReady) : calls[url];
    if (!call) return send(response, 404, '404 page not found');
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString('utf8')));
    request.on(
      'end',
      () =>
        void answered(call, body).then(({ code, text }) => {
          requested(requestLine(url, body || '{}', code, text));
          json(response, text, code);
        }),
    );
  };
}

async function answered(
  call: (body: Record<string, string>) => Promise<unknown>,
  body: string,
): Promise<{ code: number; text: string }> {
  try {
    const answer = await call(JSON.parse(body || '{}') as Record<string, string>);
    return { code: 200, text: typeof answer === 'string' ? answer : JSON.stringify(answer) };
  } catch {
    return { code: 500, text: '' };
  }
}

/** The gateway with TLS: who speaks plain HTTP to it is hung up on without a word. */
function gatewayWithTls(wish: PortsWish): Server {
  return createHttps(wish.gateway, gateway(wish, 'external')).on('tlsClientError', (_, socket: TLSSocket) =>
    (socket as unknown as Raw)._parent?.end(),
  );
}

// A TLS server whose clients need a certificate of the domain; plain HTTP on it is answered as Go's servers answer it.
function withClients(wish: PortsWish, ask: boolean, listener: RequestListener): Server {
  return createHttps({ ...wish.api, ca: wish.authority, requestCert: ask, rejectUnauthorized: ask }, listener).on(
    'tlsClientError',
    (error: NodeJS.ErrnoException, socket: TLSSocket) => {
      if (error.code === 'ERR_SSL_HTTP_REQUEST')
        (socket as unknown as Raw)._parent?.end(
          'HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n',
        );
    },
  );
}

/** What listens, and where; a list so that `ss -ltn` can be compared with the observed one. */
export function portTable(wish: PortsWish): readonly { port: number; host?: string; server: Server | TcpServer }[] {
  const plain = wish.protocol === 'NOTLS';
  const local = '127.0.0.1';
  const silent = (): TcpServer => createTcp((socket) => socket.on('error', () => socket.destroy()));
  // An idle connection stays: a load balancer in front keeps its own for minutes.
  const patient = (server: Server): Server => Object.assign(server, { keepAliveTimeout: 0, requestTimeout: 0 });
  const health = pages({ 'POST /healthZ': allReady });
  const unauthorized: RequestListener = (_, response) => send(response, 401);
  return [
    { port: 53, server: silent() },
    { port: 1080, server: patient(plain ? createHttp(gateway(wish, 'external')) : gatewayWithTls(wish)) },
    { port: 80, server: patient(createHttp(gateway(wish, 'internal'))) },
    {
      port: 8082,
      server: plain ? createHttp(kusciaApi(wish)) : withClients(wish, wish.protocol !== 'TLS', kusciaApi(wish)),
    },
    { port: 8083, server: silent() },
    { port: 8092, host: local, server: createHttp(unauthorized) },
    { port: 8070, server: withClients(wish, true, health) },
    { port: 8071, server: silent() },
    { port: 8060, server: withClients(wish, true, health) },
    { port: 8061, server: silent() },
    { port: 8050, host: local, server: createHttp(pages({})) },
    { port: 8081, host: local, server: createHttp(pages({}, '\n')) },
    { port: 8084, server: createHttp(pages({})) },
    { port: 8095, server: createHttp(pages({})) },
    { port: 8090, host: local, server: createHttp(pages({ 'GET /healthz': 'ok' }, '\n')) },
    { port: 9091, server: createHttp(pages({ 'GET /metrics': metrics }, '\n')) },
    { port: 9092, server: createHttp(pages({ 'GET /metrics': metrics }, '\n')) },
    { port: 9100, server: createHttp(pages({ 'GET /metrics': metrics }, '\n')) },
    { port: 10000, host: local, server: createHttp(pages({ 'GET /ready': 'LIVE\n' }, '\n')) },
    { port: 10001, host: local, server: silent() },
    { port: 10259, server: silent() },
    {
      port: 1054,
      server: createHttp((request, response) => {
        if (!request.url?.startsWith('/handshake')) return send(response, 404, '404 page not found\n');
        void wish.handshake(request).then(
          (body) => json(response, `${JSON.stringify(body)}\n`),
          () => send(response, 500),
        );
      }),
    },
  ];
}

/** Listens; resolves when the port is open, rejects when it cannot be. */
export async function listen(server: Server | TcpServer, port: number, host?: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(host ? { port, host } : { port }, resolve);
  });
  server.on('error', () => undefined);
}

/** The text of a file, or '' where there is none. */
export function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
