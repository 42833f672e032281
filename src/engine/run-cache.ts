/** Values that one run caches for its hosts. The function that creates an entry is also its key. */
export class RunCache {
  readonly #entries = new Map<() => unknown, Map<string, unknown>>();

  /** The entry for the host, created on first use. */
  of<T>(host: string, make: () => T): T {
    const hosts = this.#entries.get(make) ?? new Map<string, unknown>();
    this.#entries.set(make, hosts);
    if (!hosts.has(host)) hosts.set(host, make());
    return hosts.get(host) as T;
  }
}
