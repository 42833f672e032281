// forward.mjs ADDRESS PORT SOCKET: lets the runner place reach what listens on that socket file, on a network that it does not see.
import { connect, createServer } from 'node:net';

const [address, port, socket] = process.argv.slice(2);

createServer((near) => {
  const far = connect(socket);
  for (const [from, to] of [
    [near, far],
    [far, near],
  ]) {
    from.pipe(to);
    from.on('error', () => to.destroy());
  }
}).listen(Number(port), address, () => console.log('ready'));
