import { apiPath } from './api.ts';
import type { Printed } from './init.ts';
import type { Ask } from './kubectl.ts';
import { resource } from './resources.ts';
import { taskObjects, type TaskWish } from './tasks.ts';

/** Puts job, task and pod into the database through the API; the replica that is named takes it from there. */
export async function putTask(wish: TaskWish, ask: Ask): Promise<Printed> {
  const { job, task, pod } = taskObjects(wish);
  const made = [
    [resource('kusciajobs'), job],
    [resource('kusciatasks'), task],
    [resource('pods'), pod],
  ] as const;
  for (const [kind, object] of made) {
    const { code, body } = await ask('POST', apiPath(kind, object.metadata.namespace), object);
    if (code !== 201) return { code: 1, stdout: '', stderr: `${kind.plural}: ${code} ${JSON.stringify(body)}\n` };
  }
  return { code: 0, stdout: `${pod.metadata.name} on ${wish.node}\n`, stderr: '' };
}
