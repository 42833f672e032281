/** A fault that the lab cannot make. */
export interface Unmade {
  readonly name: string;
  /** Why the lab cannot produce it. */
  readonly why: string;
  /** The unit test that covers it: its file under `__tests__`, and words of its title or of its row. */
  readonly shownBy: readonly [file: string, title: string];
}

/** Listed at the end of the table, so that nobody assumes that they were tried. */
export const UNMADE: readonly Unmade[] = [
  {
    name: 'architecture-not-supported',
    why: 'all hosts are one machine',
    shownBy: ['stages/preflight.test.ts', 'another architecture'],
  },
  {
    name: 'replicas-of-two-architectures',
    why: 'all hosts are one machine',
    shownBy: ['stages/preflight.test.ts', 'of replicas have one architecture, under any of its names'],
  },
  {
    name: 'kernel-too-old',
    why: 'all hosts have the kernel of the machine',
    shownBy: ['stages/preflight.test.ts', 'an old kernel'],
  },
  {
    name: 'engine-too-old',
    why: 'the lab has one version of the engine',
    shownBy: ['stages/preflight.test.ts', 'an old engine'],
  },
  {
    name: 'ptrace-forbidden',
    why: 'all hosts have the kernel of the machine',
    shownBy: ['stages/preflight.test.ts', 'ptrace forbidden'],
  },
  {
    name: 'engine-rootless',
    why: 'a rootless engine needs its own login session',
    shownBy: ['stages/preflight-engine.test.ts', 'a rootless engine'],
  },
  {
    name: 'engine-on-nftables',
    why: 'the lab has an engine that knows only iptables',
    shownBy: ['stages/preflight-engine.test.ts', "name: 'nftables'"],
  },
  {
    name: 'few-inotify-instances',
    why: 'the limit is that of the whole machine',
    shownBy: ['stages/preflight-engine.test.ts', 'few inotify instances'],
  },
  {
    name: 'no-terminal-left',
    why: 'the number of terminals is that of the whole machine',
    shownBy: ['stages/preflight-engine.test.ts', 'no terminal left'],
  },
  {
    name: 'podman-in-place-of-docker',
    why: 'the lab has no Podman',
    shownBy: ['stages/preflight-engine.test.ts', 'for it is Podman'],
  },
  {
    name: 'database-image-of-another-line',
    why: 'the lab has one version of the database',
    shownBy: ['stages/database-upgrade.test.ts', 'the next line'],
  },
  {
    name: 'partner-with-a-wrong-certificate',
    why: 'the lab has no two domains with a route between them',
    shownBy: ['diagnosis/evidence.test.ts', 'partner'],
  },
];

/** Its line of the table. */
export const unmadeRow = ({ name, why, shownBy: [file, title] }: Unmade): string =>
  `${name.padEnd(40)} not made: ${why}; shown by ${file}: ${title}`;
