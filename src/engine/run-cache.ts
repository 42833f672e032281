/** What one run keeps of its hosts. A function that makes an empty entry is also the key under which it is kept. */
export class RunCache {
  readonly #kept = new Map<() => unknown, Map<string, unknown>>();

  /** The entry of the host, made when it is first asked for. */
  of<T>(host: string, make: () => T): T {
    const hosts = this.#kept.get(make) ?? new Map<string, unknown>();
    this.#kept.set(make, hosts);
    if (!hosts.has(host)) hosts.set(host, make());
    return hosts.get(host) as T;
  }
}
