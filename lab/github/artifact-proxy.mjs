// artifact-proxy.mjs ADDRESS PORT TARGET-PORT: before act's artifact server, whose two defects it mends (seen with act 0.2.89 and @actions/artifact 6):
// it refuses the field mime_type, and Azure's client drops the last "=" of the signatures in its URLs.
import { Buffer } from 'node:buffer';
import { createServer, request } from 'node:http';

const [address, port, target] = process.argv.slice(2);

createServer((from, answer) => {
  const chunks = [];
  from.on('data', (chunk) => chunks.push(chunk));
  from.on('end', () => {
    const body = /json/.test(from.headers['content-type'] ?? '')
      ? withoutMimeType(Buffer.concat(chunks))
      : Buffer.concat(chunks);
    const path = from.url.replace(/([?&]sig=[A-Za-z0-9_%-]{43})(?=&|$)/, '$1%3D');
    const headers = {
      ...from.headers,
      ...(from.headers['transfer-encoding'] === undefined && body.length > 0 ? { 'content-length': body.length } : {}),
    };
    const to = request({ host: address, port: target, method: from.method, path, headers }, (reply) => {
      answer.writeHead(reply.statusCode, reply.headers);
      reply.pipe(answer);
    });
    to.on('error', () => answer.writeHead(502).end());
    to.end(body);
  });
}).listen(Number(port), address, () => console.log('ready'));

function withoutMimeType(body) {
  try {
    const message = JSON.parse(body.toString());
    delete message.mime_type;
    delete message.mimeType;
    return Buffer.from(JSON.stringify(message));
  } catch {
    return body;
  }
}
