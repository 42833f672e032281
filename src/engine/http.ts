import { HTTPParser } from 'http-parser-js';

/** A complete HTTP response. */
export interface HttpResponse {
  readonly status: number;
  /** By name in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** The request as bytes; the server closes the connection after the last one. */
export const httpGet = (path: string, last: boolean): string =>
  `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${last ? 'Connection: close\r\n' : ''}\r\n`;

/** The complete responses at the beginning of what a server sent over one connection; what follows them is dropped. */
export function httpResponses(text: string): HttpResponse[] {
  const complete: HttpResponse[] = [];
  const parser = new HTTPParser(HTTPParser.RESPONSE);
  let status = 0;
  let headers = new Map<string, string>();
  let body: Buffer[] = [];
  parser[HTTPParser.kOnHeadersComplete] = (head) => {
    status = head.statusCode;
    headers = headersOf(head.headers);
    body = [];
  };
  parser[HTTPParser.kOnBody] = (chunk, offset, length) => void body.push(chunk.subarray(offset, offset + length));
  parser[HTTPParser.kOnMessageComplete] = () =>
    void complete.push({ status, headers, body: Buffer.concat(body).toString('utf8') });
  // On an error it returns it; what was complete before that stays.
  parser.execute(Buffer.from(text, 'utf8'));
  return complete;
}

/** The parser gives names and values in turn. */
const headersOf = (flat: readonly string[]): Map<string, string> =>
  new Map(flat.flatMap((name, i) => (i % 2 === 0 ? [[name.toLowerCase(), flat[i + 1] ?? ''] as const] : [])));
