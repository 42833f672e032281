import { createSocket } from 'node:dgram';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';

/** Takes over the container's resolv.conf as Kuscia does, and passes every question on to the name server that stood there. */
export function takeOverDns(home: string, address: string, file: string, port = 53): void {
  const kept = `${home}/var/tmp/resolv.conf`;
  const own = `nameserver ${address}\n`;
  const current = existsSync(file) ? readFileSync(file, 'utf8') : '';
  mkdirSync(`${home}/var/tmp`, { recursive: true });
  if (current !== own) writeFileSync(kept, current);
  const upstream = /^nameserver\s+(\S+)/m.exec(existsSync(kept) ? readFileSync(kept, 'utf8') : '')?.[1];
  const server = createSocket('udp4');
  server.on('message', (question, asker) => {
    if (!upstream) return;
    const out = createSocket(upstream.includes(':') ? 'udp6' : 'udp4');
    const done = setTimeout(() => out.close(), 5000);
    out.on('error', () => undefined);
    out.on('message', (reply) => {
      clearTimeout(done);
      out.close();
      server.send(reply, asker.port, asker.address);
    });
    out.send(question, 53, upstream);
  });
  server.on('error', () => server.close());
  server.bind(port, () => {
    try {
      writeFileSync(file, own);
    } catch {
      server.close();
    }
  });
}
