import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { request as plain } from 'node:http';
import { request as secure } from 'node:https';
import { connect as connectPlain, type AddressInfo } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { afterEach, expect, test } from '@jest/globals';
import { apiPair, gatewayPair, makeCertificates } from '../../lab/images/kuscia/src/files.ts';
import { generateKey } from '../../lab/images/kuscia/src/init.ts';
import { listen, portTable } from '../../lab/images/kuscia/src/ports.ts';
import { observed, somePlace } from './fixtures.ts';

const key = createPrivateKey(generateKey());
const place = somePlace({ hostname: 'root-kuscia-autonomy-alice-hosta' });
makeCertificates(place, 'alice', key);
const api = apiPair(place, 'alice', key, true);
const authority = readFileSync(`${place.home}/var/certs/ca.crt`, 'utf8');
const gateway = gatewayPair(place, 'alice', key)!;
const requests: string[] = [];
const closers: (() => void)[] = [];
afterEach(() => closers.splice(0).forEach((close) => close()));
afterEach(() => void requests.splice(0));

function table(protocol: string) {
  return portTable({
    domain: 'alice',
    hostname: place.hostname,
    version: 'v1.1.0b0',
    protocol,
    token: 'secret',
    authority,
    gateway,
    api,
    handshake: () => Promise.resolve({ namespace: 'alice', state: 1 }),
    domainQuery: (wanted) => Promise.resolve({ data: wanted }),
    domainCreate: ({ domain_id: id = '' }) =>
      Promise.resolve({ status: { code: 11100, message: `Field "domain_id" is invalid, invalid value: "${id}"` } }),
    requested: (line) => void requests.push(line),
  });
}

/** The observed 401 of the gateway: the header lines in their order, and the body with its newline. */
const [statusLine = '', ...observedLines] = observed('gateway-401-direct.txt')
  .trimEnd()
  .split('\n')
  .filter((line) => line !== '< ' && line !== '<');
const observedBody = observedLines.pop() ?? '';

interface Wish {
  tls?: boolean;
  path?: string;
  method?: string;
  headers?: Record<string, string>;
  client?: boolean;
}

/** Opens the server of one port somewhere and asks it once: code, body and headers, or the error. */
async function ask(
  protocol: string,
  number: number,
  { tls = false, path = '/', method = 'GET', headers = {}, client = false }: Wish = {},
): Promise<{ code: number; body: string; headers: Record<string, unknown>; raw: string[]; error?: string }> {
  const entry = table(protocol).find(({ port }) => port === number);
  if (!entry) throw new Error(`nothing on ${number}`);
  await listen(entry.server, 0, '127.0.0.1');
  closers.push(() => entry.server.close());
  const pair = client ? { cert: authority, key: key.export({ type: 'pkcs1', format: 'pem' }) } : {};
  const options = {
    host: '127.0.0.1',
    port: (entry.server.address() as AddressInfo).port,
    path,
    method,
    headers,
    agent: false as const,
    ...(tls ? { rejectUnauthorized: false, ...pair } : {}),
  };
  return new Promise((resolve) => {
    const outgoing = (tls ? secure : plain)(options, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString()));
      response.on('end', () =>
        resolve({ code: response.statusCode ?? 0, body, headers: response.headers, raw: response.rawHeaders }),
      );
    });
    outgoing.on('error', (error: NodeJS.ErrnoException) =>
      resolve({ code: 0, body: '', headers: {}, raw: [], error: error.code ?? error.message }),
    );
    outgoing.end(method === 'POST' ? '{"domain_id":"bob"}' : undefined);
  });
}

const healthy = '{"status":{"code":0,"message":"success","details":[]},"data":{"ready":true}}';

test.each([
  ['', true],
  ['TLS', true],
  ['MTLS', true],
  ['NOTLS', false],
])(
  'the gateway of protocol "%s" answers 401 with the observed headers, in their order, and the observed body, TLS: %s',
  async (protocol, tls) => {
    // The observation asked as curl does; Node's own client would have each connection closed.
    const { code, body, raw } = await ask(protocol, 1080, { tls, headers: { connection: 'keep-alive' } });
    expect(code).toBe(Number(/ (\d{3}) /.exec(statusLine)?.[1]));
    const told = raw.flatMap((name, at) => (at % 2 === 0 ? [`< ${name}: ${raw[at + 1]}`] : []));
    const comparable = (line: string): string =>
      line
        .replaceAll('node-02', 'hosta')
        .replace(/^(< date: \w{3}, ).*/, '$1')
        .replace(/^(< date: )\w+/, '$1')
        .replace(/length: \d+/, 'length:');
    expect(told.map(comparable)).toEqual(observedLines.map(comparable));
    expect(body).toBe(`${observedBody.replace('node-02', 'hosta')}\n`);
    expect(told).toContain(`< content-length: ${body.length}`);
  },
);

test('the gateway shows a certificate of its own, issued by the domain', async () => {
  const entry = table('').find(({ port }) => port === 1080)!;
  await listen(entry.server, 0, '127.0.0.1');
  closers.push(() => entry.server.close());
  const shown = await new Promise<X509Certificate>((resolve) => {
    const socket: TLSSocket = connect(
      { host: '127.0.0.1', port: (entry.server.address() as AddressInfo).port, rejectUnauthorized: false },
      () => {
        resolve(new X509Certificate(socket.getPeerCertificate().raw));
        socket.destroy();
      },
    );
  });
  expect([shown.subject, shown.issuer]).toEqual(['CN=alice_ENVOY_EXTERNAL', 'CN=alice']);
  expect(shown.verify(new X509Certificate(authority).publicKey)).toBe(true);
  expect(shown.verify(shown.publicKey)).toBe(false);
  expect(shown.validToDate.getUTCFullYear() - shown.validFromDate.getUTCFullYear()).toBe(10);
});

test('the gateway closes plain HTTP connections without an answer while TLS is on', async () => {
  const entry = table('').find(({ port }) => port === 1080)!;
  await listen(entry.server, 0, '127.0.0.1');
  closers.push(() => entry.server.close());
  const heard = await new Promise((resolve) => {
    let text = '';
    const socket = connectPlain((entry.server.address() as AddressInfo).port, '127.0.0.1', () =>
      socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'),
    );
    socket
      .on('data', (chunk: Buffer) => (text += chunk.toString('latin1')))
      .on('end', () => resolve(`closed after "${text}"`))
      .on('error', (error: NodeJS.ErrnoException) => resolve(error.code));
  });
  expect(heard).toBe('closed after ""');
});

test('KusciaAPI reports health only to clients with token and certificate, and only by POST', async () => {
  const call = { tls: true, client: true, path: '/healthZ', method: 'POST', headers: { token: 'secret' } };
  expect(await ask('', 8082, call)).toMatchObject({ code: 200, body: healthy });
  expect(await ask('', 8082, { ...call, method: 'GET' })).toMatchObject({ code: 404, body: '404 page not found' });
  expect(await ask('', 8082, { ...call, headers: {} })).toMatchObject({ code: 401, body: '' });
  expect(await ask('', 8082, { ...call, client: false })).toMatchObject({ code: 0 });
  expect(await ask('TLS', 8082, { ...call, client: false })).toMatchObject({ code: 200 });
});

test('KusciaAPI logs each request, with an answer that may say "is invalid"', async () => {
  await ask('NOTLS', 8082, { path: '/healthZ', method: 'POST' });
  await ask('NOTLS', 8082, { path: '/api/v1/domain/create', method: 'POST' });
  expect(requests.map((line) => line.replace(/Duration: [^,]*/, 'Duration: '))).toEqual([
    `[HTTP] [POST /healthZ] Duration: , StatusCode: 200, ForwardHost: [], ContextType: [application/json; charset=utf-8], Request: {"domain_id":"bob"}, Response: ${healthy}`,
    expect.stringContaining('Response: {"status":{"code":11100,"message":"Field \\"domain_id\\" is invalid'),
  ]);
});

test('KusciaAPI is plain HTTP without a token under NOTLS', async () => {
  expect(await ask('NOTLS', 8082, { path: '/healthZ', method: 'POST' })).toMatchObject({ code: 200, body: healthy });
});

test('datamesh answers GET with 404, which the probe accepts as healthy', async () => {
  expect(await ask('', 8070, { tls: true, client: true, path: '/healthZ' })).toMatchObject({
    code: 404,
    body: '404 page not found',
  });
  expect(await ask('', 8070, { tls: true, client: true, path: '/healthZ', method: 'POST' })).toMatchObject({
    code: 200,
    body: healthy,
  });
});

test.each<[number, string, number, string]>([
  [8090, '/healthz', 200, 'ok'],
  [8090, '/', 404, '404 page not found\n'],
  [9091, '/', 404, '404 page not found\n'],
  [10000, '/ready', 200, 'LIVE\n'],
  [8092, '/healthZ', 401, ''],
  [8084, '/', 404, '404 page not found'],
  [1054, '/', 404, '404 page not found\n'],
  [1054, '/handshake', 200, '{"namespace":"alice","state":1}\n'],
])('port %i answers %s with %i', async (port, path, code, body) => {
  expect(await ask('', port, { path })).toMatchObject({ code, body });
});

test('the same ports listen as were observed', () => {
  const shown = (loopback: boolean): number[] =>
    table('')
      .filter(({ host }) => (host === '127.0.0.1') === loopback)
      .map(({ port }) => port)
      .sort((a, b) => a - b);
  // 6443 is opened and closed apart from the others; 10257 was the observation's own.
  expect(shown(false)).toEqual([
    53, 80, 1054, 1080, 8060, 8061, 8070, 8071, 8082, 8083, 8084, 8095, 9091, 9092, 9100, 10259,
  ]);
  expect(shown(true)).toEqual([8050, 8081, 8090, 8092, 10000, 10001]);
});
