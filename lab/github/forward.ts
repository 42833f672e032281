import { rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { paths, runner } from '../places.ts';
import { ports, startInRunner } from './program.ts';

/** A port of this machine's loopback, reached from the lab's network. */
export interface Forwarded {
  readonly url: string;
  close(): void;
}

/** Makes a port of this machine's loopback reachable from the lab's network, at the runner place's address. */
export async function forwardFromLab(port: number): Promise<Forwarded> {
  const socket = join(paths.github, `forward-${port}`);
  rmSync(socket, { force: true });
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    near.pipe(far);
    far.pipe(near);
    near.on('error', () => far.destroy());
    far.on('error', () => near.destroy());
  });
  await new Promise<void>((listening) => server.listen(socket, listening));
  const program = await startInRunner('forward.mjs', [runner.address, String(ports.forward), socket]);
  return {
    url: `http://${runner.address}:${ports.forward}`,
    close() {
      program.kill('SIGKILL');
      server.close();
    },
  };
}
