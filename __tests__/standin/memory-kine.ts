import { TakenError, type Kine, type KubeObject } from '../../lab/images/kuscia/src/kine.ts';

/** The shared database in memory, with the one property that matters: the second to create an object gets an error. */
export function memoryKine(): Kine & { readonly keys: () => string[] } {
  const objects = new Map<string, { object: KubeObject; revision: number }>();
  const claims = new Set<string>();
  let revision = 0;
  const put = (key: string, object: KubeObject): KubeObject => {
    objects.set(key, { object: structuredClone(object), revision: ++revision });
    return stamped(key) as KubeObject;
  };
  const stamped = (key: string): KubeObject | undefined => {
    const found = objects.get(key);
    return (
      found &&
      structuredClone({
        ...found.object,
        metadata: { ...found.object.metadata, resourceVersion: String(found.revision) },
      })
    );
  };
  return {
    keys: () => [...objects.keys()],
    prepare: () => Promise.resolve(),
    get: (key) => Promise.resolve(stamped(key)),
    list: (prefix) =>
      Promise.resolve(
        [...objects.keys()]
          .filter((key) => key.startsWith(prefix))
          .sort()
          .map((key) => stamped(key) as KubeObject),
      ),
    create: (key, object) =>
      objects.has(key) ? Promise.reject(new TakenError(key)) : Promise.resolve(put(key, object)),
    edit: (key, change) => {
      const before = stamped(key);
      const after = before && change(structuredClone(before));
      return Promise.resolve(after ? put(key, after) : before);
    },
    remove: (key) => Promise.resolve(objects.delete(key)),
    compact: () => Promise.resolve(),
    bootstraps: () => Promise.resolve([...claims]),
    createBootstrap: (key) => Promise.resolve(void claims.add(key)),
  };
}
