const GIB = 1024 ** 3;

/** Kuscia's requirements for a host. Source: Kuscia docs/deployment/deploy_check.md and pkg/agent. */
export const REQUIRED = {
  engine: '20.10.24',
  kernel: '4.6',
  architectures: ['x86_64', 'aarch64', 'arm64'],
  /** The node reports disk pressure at or below this much free space, in bytes. */
  freeDisk: 3 * GIB,
  /** In seconds: liveness is computed from times that each replica writes by its own clock. */
  clockSkew: 5,
  /**
   * Recommended, not required. Source: Kuscia docs/troubleshoot, create_fsnotify_failed; the kernel's own defaults are
   * these or more.
   */
  inotify: { 'fs.inotify.max_user_instances': 128, 'fs.inotify.max_user_watches': 8192 },
} as const;

/** -1, 0 or 1 if version a is lower than, equal to or higher than b; compares dotted numbers and ignores suffixes. */
export function compareVersions(a: string, b: string): number {
  const numbers = (version: string): number[] =>
    (/^\D*(\d+(?:\.\d+)*)/.exec(version)?.[1] ?? '0').split('.').map(Number);
  const [left, right] = [numbers(a), numbers(b)];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return Math.sign(difference);
  }
  return 0;
}
