import { TakenError, type Kine, type KubeObject } from './kine.ts';
import { seconds } from './objects.ts';
import { fullName, keyOf, keyPrefix, resources, type Resource } from './resources.ts';

/** An answer of the API: a status code and a JSON body (or text for the health paths). */
export interface Answer {
  readonly code: number;
  readonly body: unknown;
}

interface Target {
  readonly kind: Resource;
  readonly namespace?: string;
  readonly name?: string;
}

/** The Kubernetes API as far as the stand-in has one: list, get, create, replace, delete. Errors of the database are thrown. */
export async function answer(kine: Kine, method: string, path: string, body?: KubeObject): Promise<Answer> {
  if (path === '/readyz' || path === '/healthz' || path === '/livez') return { code: 200, body: 'ok' };
  const target = readPath(path);
  if (!target) return failure(404, 'NotFound', 'the server could not find the requested resource');
  const { kind, namespace, name } = target;
  if (method === 'GET' && !name)
    return {
      code: 200,
      body: {
        apiVersion: 'v1',
        items: await kine.list(keyPrefix(kind, namespace)),
        kind: 'List',
        metadata: { resourceVersion: '' },
      },
    };
  if (method === 'POST' && body) return create(kine, target, body);
  const key = keyOf(kind, name ?? '', namespace);
  if (method === 'GET') return found(await kine.get(key), target);
  if (method === 'PUT' && body) return found(await kine.edit(key, (before) => replaced(before, body)), target);
  if (method === 'DELETE') return (await kine.remove(key)) ? { code: 200, body: {} } : found(undefined, target);
  return failure(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource');
}

async function create(kine: Kine, { kind, namespace }: Target, body: KubeObject): Promise<Answer> {
  const { name } = body.metadata;
  if (namespace && !(await kine.get(`/registry/namespaces/${namespace}`)))
    return failure(404, 'NotFound', `namespaces "${namespace}" not found`);
  const object: KubeObject = {
    ...body,
    metadata: {
      ...body.metadata,
      creationTimestamp: seconds(),
      generation: 1,
      ...(namespace ? { namespace } : {}),
      uid: crypto.randomUUID(),
    },
  };
  try {
    return { code: 201, body: await kine.create(keyOf(kind, name, namespace), object) };
  } catch (error) {
    if (error instanceof TakenError) return failure(409, 'AlreadyExists', `${fullName(kind)} "${name}" already exists`);
    throw error;
  }
}

function replaced(before: KubeObject, body: KubeObject): KubeObject {
  const metadata = {
    ...before.metadata,
    annotations: { ...before.metadata.annotations, ...body.metadata.annotations },
    generation: (before.metadata.generation ?? 1) + 1,
  };
  return { ...before, metadata, ...(body.spec ? { spec: body.spec } : {}) };
}

function found(object: KubeObject | undefined, { kind, name }: Target): Answer {
  return object ? { code: 200, body: object } : failure(404, 'NotFound', `${fullName(kind)} "${name}" not found`);
}

/** A Status object, as the API sends it when it refuses. */
export function failure(code: number, reason: string, message: string): Answer {
  return { code, body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code } };
}

function readPath(path: string): Target | undefined {
  const parts = /^\/(?:api\/v1|apis\/([^/]+)\/[^/]+)(?:\/namespaces\/([^/]+)(?=\/[^/]))?\/([^/]+)(?:\/([^/]+))?$/.exec(
    path,
  );
  if (!parts) return undefined;
  const [, group = '', namespace, plural, name] = parts;
  const kind = resources.find((candidate) => candidate.group === group && candidate.plural === plural);
  return kind && { kind, ...(namespace ? { namespace } : {}), ...(name ? { name } : {}) };
}

/** The path of a kind, of its objects in a namespace, or of one object. */
export function apiPath(kind: Resource, namespace?: string, name?: string): string {
  const root = kind.group ? `/apis/${kind.group}/${kind.version}` : '/api/v1';
  return `${root}${kind.namespaced && namespace ? `/namespaces/${namespace}` : ''}/${kind.plural}${name ? `/${name}` : ''}`;
}
