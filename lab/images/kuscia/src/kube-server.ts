import { createServer, type Server } from 'node:https';
import { answer, failure } from './api.ts';
import type { Kine, KubeObject } from './kine.ts';
import { listen, type Pair } from './ports.ts';

/** The API on 6443; closed while the database is away, so that connections are refused. */
export interface KubeServer {
  open(): Promise<void>;
  close(): Promise<void>;
  readonly isOpen: boolean;
}

/** Serves the objects of `kine` to whoever bears the token; everybody else gets 401. */
export function kubeServer(kine: Kine, token: string, pair: Pair, port = 6443): KubeServer {
  let server: Server | undefined;
  const make = (): Server =>
    createServer(pair, (request, response) => {
      let text = '';
      request.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
      request.on('end', () => {
        const known = request.headers.authorization === `Bearer ${token}`;
        const body = text ? (JSON.parse(text) as KubeObject) : undefined;
        const path = (request.url ?? '').split('?')[0] ?? '';
        const reply = known
          ? answer(kine, request.method ?? 'GET', path, body)
          : Promise.resolve(failure(401, 'Unauthorized', 'Unauthorized'));
        void reply
          .catch((error: unknown) =>
            failure(
              500,
              'InternalError',
              `an error on the server ("${error instanceof Error ? error.message : String(error)}") has prevented the request from succeeding`,
            ),
          )
          .then(({ code, body: out }) => {
            response.writeHead(code, {
              'content-type': typeof out === 'string' ? 'text/plain; charset=utf-8' : 'application/json',
            });
            response.end(typeof out === 'string' ? out : JSON.stringify(out, null, code === 401 ? 2 : undefined));
          });
      });
    });
  return {
    get isOpen() {
      return server !== undefined;
    },
    open: async () => {
      if (server) return;
      server = make();
      await listen(server, port);
    },
    close: async () => {
      const closing = server;
      server = undefined;
      if (!closing) return;
      closing.closeAllConnections();
      await new Promise((resolve) => closing.close(resolve));
    },
  };
}
