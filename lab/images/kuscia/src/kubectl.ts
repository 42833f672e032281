import { existsSync, readFileSync } from 'node:fs';
import { request } from 'node:https';
import { apiPath, type Answer } from './api.ts';
import type { Printed } from './init.ts';
import { jsonPath, sorted } from './jsonpath.ts';
import type { KubeObject } from './kine.ts';
import { findResource, kusciaKinds, resources, type Resource } from './resources.ts';
import { table } from './table.ts';

/** How kubectl reaches the API: rejects when there is no connection. */
export type Ask = (method: string, path: string, body?: unknown) => Promise<Answer>;

/** Asks the API whose address and token stand in a kubeconfig file. */
export function askApi(kubeconfig: string): { ask: Ask; server: string } {
  const text = existsSync(kubeconfig) ? readFileSync(kubeconfig, 'utf8') : '';
  const server = /server: https:\/\/(\S+)/.exec(text)?.[1] ?? 'localhost:8080';
  const token = /token: (\S+)/.exec(text)?.[1] ?? '';
  const [host, port] = server.split(':');
  const ask: Ask = (method, path, body) =>
    new Promise((resolve, reject) => {
      const outgoing = request(
        {
          host,
          port,
          path,
          method,
          rejectUnauthorized: false,
          timeout: 15000,
          headers: { authorization: `Bearer ${token}` },
        },
        (response) => {
          let answer = '';
          response.on('data', (chunk: Buffer) => (answer += chunk.toString('utf8')));
          response.on('end', () =>
            resolve({ code: response.statusCode ?? 0, body: answer.startsWith('{') ? JSON.parse(answer) : answer }),
          );
        },
      );
      outgoing.on('error', reject).on('timeout', () => outgoing.destroy(new Error('timeout')));
      outgoing.end(body === undefined ? undefined : JSON.stringify(body));
    });
  return { ask, server };
}

interface Call {
  readonly words: string[];
  readonly namespace: string;
  readonly all: boolean;
  readonly output: string;
  readonly raw: string;
  readonly file: string;
  readonly headings: boolean;
  readonly ignoreMissing: boolean;
}

const fail = (message: string, stdout = ''): Printed => ({ code: 1, stdout, stderr: `${message}\n` });
const print = (stdout: string, stderr = '', code = 0): Printed => ({ code, stdout, stderr });

/** `kubectl ARGS`, with `input` as its standard input. */
export async function kubectl(
  args: readonly string[],
  ask: Ask,
  server: string,
  input: () => string = () => readFileSync(0, 'utf8'),
): Promise<Printed> {
  const call = readCall(args);
  if (typeof call === 'string') return fail(call);
  try {
    switch (call.words[0]) {
      case 'get':
        return call.raw ? await raw(call, ask) : await get(call, ask);
      case 'apply':
        return await apply(call, ask, call.file === '-' ? input() : readFileSync(call.file, 'utf8'));
      case 'delete':
        return await remove(call, ask);
      case 'api-resources':
        return apiResources();
      case 'version':
        return version();
      default:
        return fail(`error: unknown command "${call.words[0] ?? ''}" for "kubectl"`);
    }
  } catch (error) {
    const { code, path } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return fail(`error: the path "${path}" does not exist`);
    if (['ECONNREFUSED', 'ECONNRESET'].includes(code ?? ''))
      return fail(`The connection to the server ${server} was refused - did you specify the right host or port?`);
    return fail(error instanceof Error ? error.message : String(error));
  }
}

const withValue: Readonly<Record<string, keyof Call>> = {
  '-n': 'namespace',
  '--namespace': 'namespace',
  '-o': 'output',
  '--output': 'output',
  '--raw': 'raw',
  '-f': 'file',
  '--filename': 'file',
};
const ignored = ['--kubeconfig', '--request-timeout'];

function readCall(args: readonly string[]): Call | string {
  const call = {
    words: [] as string[],
    namespace: 'default',
    all: false,
    output: '',
    raw: '',
    file: '',
    headings: true,
    ignoreMissing: false,
  };
  const queue = [...args];
  for (let arg = queue.shift(); arg !== undefined; arg = queue.shift()) {
    const [flag = '', inline] =
      /^(--[a-z-]+)=(.*)$/s.exec(arg)?.slice(1) ??
      (/^-[nof]./.test(arg) && !arg.startsWith('--') ? [arg.slice(0, 2), arg.slice(2).replace(/^=/, '')] : [arg]);
    const field = withValue[flag];
    if (field || ignored.includes(flag)) {
      const value = inline ?? queue.shift();
      if (value === undefined) return `error: flag needs an argument: ${flag}`;
      if (field) Object.assign(call, { [field]: value });
    } else if (flag === '-A' || flag === '--all-namespaces') call.all = true;
    else if (flag === '--no-headers') call.headings = inline === 'false';
    else if (flag === '--ignore-not-found') call.ignoreMissing = inline !== 'false';
    else if (arg === '-' || !arg.startsWith('-')) call.words.push(arg);
    else
      return `error: unknown ${flag.startsWith('--') ? 'flag' : 'shorthand flag'}: ${flag}\nSee 'kubectl ${call.words[0] ?? ''} --help' for usage.`;
  }
  return call;
}

async function raw({ raw: path }: Call, ask: Ask): Promise<Printed> {
  const { code, body } = await ask('GET', path);
  return code === 200 ? print(typeof body === 'string' ? body : JSON.stringify(body)) : serverError({ code, body });
}

function serverError({ code, body }: Answer): Printed {
  const status: { reason?: string; message?: string } = typeof body === 'object' && body !== null ? body : {};
  const { reason = 'InternalError', message = String(body) } = status;
  return fail(
    code === 401
      ? 'error: You must be logged in to the server (Unauthorized)'
      : `Error from server (${reason}): ${message}`,
  );
}

async function get(call: Call, ask: Ask): Promise<Printed> {
  const [, what, ...names] = call.words;
  if (!what)
    return fail(
      'You must specify the type of resource to get. Use "kubectl api-resources" for a complete list of supported resources.\n\nerror: Required resource not specified.',
    );
  const [word = '', inPath] = what.split('/');
  const wanted = inPath ? [inPath] : names;
  const kinds = word.split(',').map((part) => ({ part, kind: findResource(part) }));
  const unknown = kinds.find(({ kind }) => !kind);
  if (unknown) return fail(`error: the server doesn't have a resource type "${unknown.part}"`);
  const many = kinds.length > 1;
  const formatted = call.output !== '' && call.output !== 'wide';
  const found: KubeObject[] = [];
  const tables: string[] = [];
  let stderr = '';
  for (const { kind } of kinds as { kind: Resource }[]) {
    const objects: KubeObject[] = [];
    for (const path of wanted.length > 0
      ? wanted.map((name) => apiPath(kind, call.namespace, name))
      : [apiPath(kind, call.all ? undefined : call.namespace)]) {
      const { code, body } = await ask('GET', path);
      if (code === 404 && call.ignoreMissing) continue;
      if (code !== 200) stderr += serverError({ code, body }).stderr;
      else objects.push(...(wanted.length > 0 ? [body as KubeObject] : (body as { items: KubeObject[] }).items));
    }
    found.push(...objects);
    if (formatted) continue;
    if (objects.length > 0)
      tables.push(
        table(kind, objects, {
          wide: call.output === 'wide',
          namespaces: call.all && kind.namespaced,
          prefixed: many,
          headings: call.headings,
        }),
      );
    else if (wanted.length === 0 && !many)
      stderr +=
        kind.namespaced && !call.all ? `No resources found in ${call.namespace} namespace.\n` : 'No resources found\n';
  }
  if (formatted)
    return {
      ...printed(call, found, wanted.length === 1 && !many),
      ...(stderr ? { code: 1, stderr } : {}),
      ...(stderr && found.length === 0 ? { stdout: '' } : {}),
    };
  return print(tables.join('\n'), stderr, /^(Error|error)/m.test(stderr) ? 1 : 0);
}

function printed({ output }: Call, objects: readonly KubeObject[], one: boolean): Printed {
  const value = one
    ? objects[0]
    : { apiVersion: 'v1', items: objects, kind: 'List', metadata: { resourceVersion: '' } };
  if (value === undefined) return print('');
  if (output === 'json') return print(`${JSON.stringify(sorted(value), null, 4)}\n`);
  if (output === 'name') {
    return print(
      objects
        .map(
          (object) =>
            `${object.kind.toLowerCase()}${object.apiVersion.includes('/') ? `.${object.apiVersion.split('/')[0]}` : ''}/${object.metadata.name}\n`,
        )
        .join(''),
    );
  }
  if (output.startsWith('jsonpath=')) return print(jsonPath(output.slice(9), value));
  return fail(
    `error: unable to match a printer suitable for the output format "${output}", allowed formats are: json,name,wide,jsonpath`,
  );
}

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

async function apply({ namespace }: Call, ask: Ask, text: string): Promise<Printed> {
  const { parseAllDocuments } = await import('yaml');
  let stdout = '';
  for (const document of parseAllDocuments(text)) {
    const object = (document as { toJS(): unknown }).toJS() as KubeObject | null;
    if (!object) continue;
    const kind = resources.find((candidate) => candidate.kind === object.kind);
    if (!kind)
      return fail(
        `error: resource mapping not found for name: "${object.metadata.name}": no matches for kind "${object.kind}" in version "${object.apiVersion}"`,
        stdout,
      );
    const space = object.metadata.namespace ?? namespace;
    const said = JSON.stringify(sorted({ ...object, metadata: { annotations: {}, ...object.metadata } }));
    object.metadata.annotations = { ...object.metadata.annotations, [lastApplied]: `${said}\n` };
    const name = `${kind.kind.toLowerCase()}.${kind.group}/${object.metadata.name}`;
    const before = await ask('GET', apiPath(kind, space, object.metadata.name));
    const same = before.code === 200 && (before.body as KubeObject).metadata.annotations?.[lastApplied] === `${said}\n`;
    const done = same
      ? before
      : before.code === 200
        ? await ask('PUT', apiPath(kind, space, object.metadata.name), object)
        : await ask('POST', apiPath(kind, space), object);
    if (done.code >= 300) return { ...serverError(done), stdout };
    stdout += `${name} ${same ? 'unchanged' : before.code === 200 ? 'configured' : 'created'}\n`;
  }
  return stdout ? print(stdout) : fail('error: no objects passed to apply');
}

async function remove({ words, namespace, ignoreMissing }: Call, ask: Ask): Promise<Printed> {
  const [, what = '', ...names] = words;
  const [word = '', inPath] = what.split('/');
  const kind = findResource(word);
  if (!kind) return fail(`error: the server doesn't have a resource type "${word}"`);
  let stdout = '';
  for (const name of inPath ? [inPath] : names) {
    const done = await ask('DELETE', apiPath(kind, namespace, name));
    if (done.code === 404 && ignoreMissing) continue;
    if (done.code !== 200) return { ...serverError(done), stdout };
    stdout += `${kind.kind.toLowerCase()}${kind.group ? `.${kind.group}` : ''} "${name}" deleted\n`;
  }
  return print(stdout);
}

function apiResources(): Printed {
  const rows = kusciaKinds.map((kind) => [
    kind.plural,
    kind.names[2] ?? '',
    `${kind.group}/${kind.version}`,
    String(kind.namespaced),
    kind.kind,
  ]);
  const all = [['NAME', 'SHORTNAMES', 'APIVERSION', 'NAMESPACED', 'KIND'], ...rows];
  const width = (at: number): number => Math.max(...all.map((row) => row[at]?.length ?? 0)) + 3;
  return print(
    all.map((row) => `${row.map((cell, at) => (at === 4 ? cell : cell.padEnd(width(at)))).join('')}\n`).join(''),
  );
}

function version(): Printed {
  return print('Client Version: v0.0.0-stand-in\nKustomize Version: v5.6.0\nServer Version: v1.33.5+k3s1\n');
}
