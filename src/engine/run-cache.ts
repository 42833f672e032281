/** What one run keeps of its hosts; it ends with the run. */
export class RunCache {
  readonly #kept = new Map<() => unknown, Map<string, unknown>>();

  /** What is kept of the host under this function, which makes it the first time. */
  of<T>(host: string, make: () => T): T {
    const hosts = this.#kept.get(make) ?? new Map<string, unknown>();
    this.#kept.set(make, hosts);
    if (!hosts.has(host)) hosts.set(host, make());
    return hosts.get(host) as T;
  }
}
