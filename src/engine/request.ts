import { reading, script, type Command, type Request } from './command.ts';
import { httpGet, httpResponses, type HttpResponse } from './http.ts';
import { lastLine, type Outcome } from './outcome.ts';

/**
 * Sends "$1" to the program, which becomes this process. Its standard input stays open until it ends by itself: at the
 * end of its input a server abandons the request it is answering (Go's net/http cancels the request's context).
 */
const SEND = [
  'd=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d) || exit 73',
  'mkfifo "$d/requests" && exec 3<>"$d/requests" || { rm -rf "$d"; exit 73; }',
  'rm -rf "$d"; requests=$1; shift',
  // Not the other way round: a pipe may hold less than that.
  'printf %s "$requests" >&3 & exec "$@" <&3 3<&-',
].join('\n');

/** A command that asks the server; its outcome is read by `pipelined` or `answered`. */
export const requesting = (purpose: string, request: Request): Command => ({
  ...reading(purpose, script(SEND, httpGet(request.path, true), ...request.through)),
  request,
});

/** Several requests as one command, which sends them over one connection, one after the other. */
export function pipelined(commands: readonly Command[]): { command: Command; split(outcome: Outcome): Outcome[] } {
  const requests = commands.flatMap(({ request }) => request ?? []);
  const text = requests.map(({ path }, i) => httpGet(path, i === requests.length - 1)).join('');
  const purpose = commands.map((command) => command.purpose).join(', ');
  return {
    command: reading(purpose, script(SEND, text, ...(requests[0]?.through ?? [])), {
      timeoutMs: Math.max(...commands.map(({ timeoutMs }) => timeoutMs)),
      pipelined: commands,
    }),
    split(outcome) {
      const responses = httpResponses(outcome.stdout);
      return requests.map((request, i) => answerOf(request, responses[i], outcome));
    },
  };
}

/** Runs one command; if it is a request, its outcome is the answer. */
export async function answered(command: Command, run: (command: Command) => Promise<Outcome>): Promise<Outcome> {
  if (!command.request) return run(command);
  const alone = pipelined([command]);
  const [outcome] = alone.split(await run(alone.command));
  if (outcome === undefined) throw new Error('a request without an outcome');
  return outcome;
}

/**
 * The outcome of one request: what is kept of a successful answer is its standard output, as JSON; the server's message
 * is the standard error of any other. Without an answer, it is that of the program.
 */
function answerOf({ kept }: Request, response: HttpResponse | undefined, program: Outcome): Outcome {
  if (response === undefined)
    return program.ended === 'exited' && program.code === 0
      ? { ended: 'exited', code: 1, stdout: '', stderr: withoutAnswer(program) }
      : { ...program, stdout: '' };
  const { status, headers, body } = response;
  const answered = { ended: 'exited', status, server: headers.get('server') ?? '' } as const;
  if (status < 200 || status > 299) return { ...answered, code: 1, stdout: '', stderr: messageOf(body) };
  try {
    return { ...answered, code: 0, stdout: JSON.stringify(kept(JSON.parse(body))), stderr: '' };
  } catch (error) {
    const why = error instanceof SyntaxError ? 'it is not JSON' : (error as Error).message;
    return { ...answered, code: 1, stdout: '', stderr: `its answer was not understood (${why})` };
  }
}

/** What a program says that ended as if all was well: one that knows no such command prints how it is used. */
const withoutAnswer = (program: Outcome): string =>
  program.stdout.startsWith('HTTP/') || lastLine(program) === ''
    ? 'the connection was closed before the answer was complete'
    : lastLine(program);

/** Source of its form: Docker Engine API, ErrorResponse. */
function messageOf(body: string): string {
  try {
    const { message } = JSON.parse(body) as { readonly message?: unknown };
    return typeof message === 'string' ? message : '';
  } catch {
    return '';
  }
}
