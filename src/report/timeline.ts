/** One command as it ran on a host. Times in milliseconds since the run began. */
export interface TimedCommand {
  readonly host: string;
  /** Its purpose, and how it ended: clean text. */
  readonly purpose: string;
  readonly ending: string;
  readonly from: number;
  readonly ms: number;
  /** The stage that was being applied; undefined while the hosts are being read. */
  readonly stage: string | undefined;
}

/** The chart's width in columns; each covers an equal part of the run. */
const COLUMNS = 80;
const MAX_SHOWN = 10;
/** A run that lasts for hours repeats its queries: commands beyond this number are only counted. */
const MAX_COMMANDS = 5_000;
const READING = '-';
const IDLE = ' ';

/** Which command ran when, on which host. */
export class Timeline {
  readonly #ran: TimedCommand[] = [];
  #count = 0;

  add(ran: TimedCommand): void {
    this.#count += 1;
    if (this.#ran.length < MAX_COMMANDS) this.#ran.push(ran);
  }

  /** Number of commands. */
  get count(): number {
    return this.#count;
  }

  /** The commands that took longest, in descending order. */
  get longest(): readonly TimedCommand[] {
    return this.#ran.toSorted((a, b) => b.ms - a.ms).slice(0, MAX_SHOWN);
  }

  /**
   * A line for each host, a column for each part of the run: the letter of the stage for which a command ran there
   * then. Below it, a legend of the letters.
   */
  chart(hosts: readonly string[], stages: readonly string[]): string[] {
    const end = Math.max(1, ...this.#ran.map(({ from, ms }) => from + ms));
    const letters = new Map(stages.map((stage, i) => [stage, String.fromCharCode(97 + (i % 26))]));
    const width = Math.max(...hosts.map((host) => host.length));
    const rows = hosts.map((host) => `${host.padEnd(width)} |${this.#row(host, end, letters)}|`);
    const used = stages.filter((stage) => this.#ran.some((ran) => ran.stage === stage));
    return [
      ...rows,
      `${READING} reading; ${used.map((stage) => `${letters.get(stage) ?? ''} ${stage}`).join(', ')}; one column ` +
        `is ${(end / COLUMNS / 1000).toFixed(2)} s`,
    ];
  }

  #row(host: string, end: number, letters: ReadonlyMap<string, string>): string {
    const cells = Array.from({ length: COLUMNS }, () => IDLE);
    for (const { host: on, from, ms, stage } of this.#ran) {
      if (on !== host) continue;
      const column = (time: number): number => Math.min(COLUMNS - 1, Math.floor((time / end) * COLUMNS));
      cells.fill(stage === undefined ? READING : (letters.get(stage) ?? READING), column(from), column(from + ms) + 1);
    }
    return cells.join('');
  }
}
