import { describe, expect, test } from '@jest/globals';
import { bundle } from '../../src/engine/bundle.ts';
import { reading, type Command } from '../../src/engine/command.ts';
import { httpResponses } from '../../src/engine/http.ts';
import type { Outcome } from '../../src/engine/outcome.ts';
import { answered, requesting } from '../../src/engine/request.ts';
import { LocalConnection } from '../../src/transport/local.ts';
import fc from '../support/random.ts';

/** A real HTTP server on its standard streams, as docker system dial-stdio leads to one: it answers with what was asked. */
const SERVER = `
  const { Duplex } = require('node:stream');
  let ended = false;
  process.stdin.on('end', () => (ended = true));
  const server = require('node:http').createServer((request, response) => setTimeout(() => {
    const status = ended ? 499 : Number(/^.status.(\\d+)/.exec(request.url)?.[1] ?? 200);
    response.setHeader('Server', 'Test/1');
    response.statusCode = status;
    if (request.url === '/silent') return;
    if (request.url === '/dies') process.exit(3);
    if (request.url === '/html') return response.end('<html>');
    response.end(JSON.stringify(status < 300 ? { url: request.url, more: 'x'.repeat(Number(request.url.split('size=')[1] ?? 0)) } : { message: 'no: ' + status }));
  }, 20));
  const socket = Duplex.from({ readable: process.stdin, writable: process.stdout });
  socket.on('finish', () => process.exit(0));
  server.emit('connection', socket);
`;
const through = [process.execPath, '-e', SERVER];
const get = (path: string, timeoutMs = 10_000): Command => ({
  ...requesting(`ask ${path}`, {
    path,
    through,
    kept: (body) => {
      if (path === '/odd') throw new Error('0.Name: wrong');
      return { url: (body as { url: string }).url };
    },
  }),
  timeoutMs,
});
const host = new LocalConnection('node-01');
const together = async (...commands: readonly Command[]): Promise<Outcome[]> => {
  const made = bundle(commands);
  return made.split(await host.run(made.command));
};
const good = (url: string) => ({
  ended: 'exited',
  code: 0,
  status: 200,
  server: 'Test/1',
  stdout: JSON.stringify({ url }),
  stderr: '',
});

describe('requests to a server of the host', () => {
  test('are answered over one connection, each with its own answer, beside other commands', async () => {
    const outcomes = await together(
      get('/a'),
      reading('greet', ['echo', 'hello']),
      get('/status/404'),
      get('/b?size=200000'),
      get('/html'),
      get('/odd'),
      get('/c'),
    );
    expect(outcomes).toMatchObject([
      good('/a'),
      { code: 0, stdout: 'hello\n' },
      { code: 1, status: 404, stdout: '', stderr: 'no: 404' },
      good('/b?size=200000'),
      { code: 1, status: 200, stdout: '', stderr: 'its answer was not understood (it is not JSON)' },
      { code: 1, status: 200, stdout: '', stderr: 'its answer was not understood (0.Name: wrong)' },
      good('/c'),
    ]);
  });

  test('can be asked alone', async () => {
    expect(await answered(get('/a'), (command) => host.run(command))).toEqual(good('/a'));
  });

  test('keep the answers before the one that does not come', async () => {
    expect(await together(get('/a', 1_000), get('/silent', 1_000), get('/b', 1_000))).toMatchObject([
      good('/a'),
      { ended: 'timed-out', afterMs: 1_000, stdout: '' },
      { ended: 'timed-out', afterMs: 1_000, stdout: '' },
    ]);
    expect(await together(get('/a'), get('/dies'), get('/b'))).toMatchObject([
      good('/a'),
      { ended: 'exited', code: 3, stdout: '' },
      { ended: 'exited', code: 3, stdout: '' },
    ]);
  });

  test('end as the program does if there is no connection', async () => {
    const none = { ...get('/a'), ...requesting('ask', { path: '/a', through: ['no-such-program'], kept: String }) };
    expect(await together(none)).toMatchObject([{ ended: 'exited', code: 127 }]);
    const quiet = requesting('ask', { path: '/a', through: ['true'], kept: String });
    expect(await together(quiet)).toEqual([
      { ended: 'exited', code: 1, stdout: '', stderr: 'the connection was closed before the answer was complete' },
    ]);
    const usage = requesting('ask', { path: '/a', through: ['echo', 'Usage: old'], kept: String });
    expect(await together(usage)).toEqual([{ ended: 'exited', code: 1, stdout: '', stderr: 'Usage: old' }]);
  });
});

test('responses are complete or not there, wherever the connection ended', () => {
  const response = fc.record({ status: fc.integer({ min: 200, max: 599 }), body: fc.string(), chunked: fc.boolean() });
  fc.assert(
    fc.property(fc.array(response, { maxLength: 4 }), fc.double({ min: 0, max: 1, noNaN: true }), (all, where) => {
      // Neither has a body (RFC 9110).
      const sent = all.filter(({ status }) => status !== 204 && status !== 304);
      const texts = sent.map(({ status, body, chunked }) => {
        const size = Buffer.byteLength(body);
        const rest = chunked
          ? `Transfer-Encoding: chunked\r\n\r\n${size > 0 ? `${size.toString(16)}\r\n${body}\r\n` : ''}0\r\n\r\n`
          : `Content-Length: ${size}\r\n\r\n${body}`;
        return `HTTP/1.1 ${status} Some\r\nServer: s\r\n${rest}`;
      });
      const cut = Math.floor(where * texts.join('').length);
      const found = httpResponses(texts.join('').slice(0, cut));
      let end = 0;
      const whole = sent.filter((_, i) => (end += texts[i]?.length ?? 0) <= cut);
      expect(found.map(({ status, body }) => ({ status, body }))).toEqual(
        whole.map(({ status, body }) => ({ status, body })),
      );
    }),
  );
});
