/** A fault that the lab cannot make. */
export interface Unmade {
  readonly name: string;
  /** What the lab lacks for it. */
  readonly why: string;
  /** The unit test that shows what is said of it: its file under `__tests__`, and words of its title or of its row. */
  readonly shownBy: readonly [file: string, title: string];
}

/** Named at the end of the table, so that nobody takes them for tried. */
export const UNMADE: readonly Unmade[] = [
  { name: 'architecture-not-supported', why: 'all hosts are one machine', shownBy: ['stages/preflight.test.ts', 'another architecture'] },
  { name: 'replicas-of-two-architectures', why: 'all hosts are one machine', shownBy: ['stages/preflight.test.ts', 'of replicas have one architecture, by whatever name'] },
  { name: 'kernel-too-old', why: 'all hosts have the kernel of the machine', shownBy: ['stages/preflight.test.ts', 'an old kernel'] },
  { name: 'engine-too-old', why: 'the lab has one version of the engine', shownBy: ['stages/preflight.test.ts', 'an old engine'] },
  { name: 'ptrace-forbidden', why: 'all hosts have the kernel of the machine', shownBy: ['stages/preflight.test.ts', 'ptrace forbidden'] },
];

/** Its line of the table. */
export const unmadeRow = ({ name, why, shownBy: [file, title] }: Unmade): string => `${name.padEnd(40)} not made: ${why}; shown by ${file}: ${title}`;
