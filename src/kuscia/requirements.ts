const GIB = 1024 ** 3;

/** Kuscia's requirements for a host and its database. Source: Kuscia docs/deployment/deploy_check.md and pkg/agent. */
export const REQUIRED = {
  engine: '20.10.24',
  kernel: '4.6',
  /** Source: Kuscia docs/deployment/deploy_check.md, kuscia#505; MariaDB 10.11 was seen to work. */
  mysql: '8.0.23',
  mariadb: '10.5',
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
