import { cell, columns, duration, type Cell, type Layout } from './layout.ts';
import type { ReportedEvent } from './reported.ts';

type EventOf<K extends ReportedEvent['is']> = Extract<ReportedEvent, { is: K }>;

/** Lines of progress, each prefixed with its host. */
export class Progress {
  readonly #layout: Layout;
  readonly #hostWidth: number;
  /** By stage, so that stages running side by side do not silence one another. */
  readonly #waits = new Map<string, WaitThrottle>();
  readonly #now: () => number;

  constructor(layout: Layout, hosts: readonly string[], now: () => number) {
    this.#layout = layout;
    this.#hostWidth = Math.max(0, ...hosts.map((host) => host.length));
    this.#now = now;
  }

  /** The lines that an event produces while its stage is applied; none for most events. */
  lines(event: ReportedEvent): string[] {
    switch (event.is) {
      case 'stage-started':
        this.#waits.set(event.stage, new WaitThrottle());
        return [];
      case 'step-started':
        return this.#line(
          event.step.host,
          cell(event.step.change),
          cell(event.step.what),
          cell(`(${event.step.why})`, 'dim'),
        );
      case 'step-done':
        return this.#line(
          event.step.host,
          cell('done', 'good'),
          cell(event.step.what),
          cell(duration(event.ms), 'dim'),
        );
      case 'step-failed':
        return this.#line(
          event.step.host,
          cell('failed', 'bad'),
          cell(event.step.what),
          cell(duration(event.ms), 'dim'),
        );
      case 'step-undone':
        return this.#line(event.step.host, cell('undone', 'warn'), cell(event.step.what), cell(event.words, 'dim'));
      case 'said':
        return this.#line(event.host, cell(''), cell(event.text, 'dim'));
      case 'waiting':
        return this.#waiting(event);
      default:
        return [];
    }
  }

  #waiting(event: EventOf<'waiting'>): string[] {
    const [first] = event.notes;
    const what = first ? `${first.what} (${first.why})` : 'the state to settle';
    const more = event.notes.length > 1 ? `, and ${event.notes.length - 1} more` : '';
    const waits = this.#waits.get(event.stage) ?? new WaitThrottle();
    this.#waits.set(event.stage, waits);
    if (!waits.allows(`${first?.host} ${what}${more}`, this.#now())) return [];
    return this.#line(
      first?.host ?? '',
      cell('waits', 'dim'),
      cell(`${what}${more}`, 'dim'),
      cell(`${Math.max(Math.round(event.leftMs / 1000), 0)} s left`, 'dim'),
    );
  }

  /**
   * One line: host, sign or word, subject, and a remark. The first two have fixed widths, so that lines printed at
   * different times stay aligned.
   */
  #line(host: string, sign: Cell, ...rest: Cell[]): string[] {
    const [word, room] = [sign.text.padEnd('failed'.length), host.padEnd(this.#hostWidth)];
    return columns([[cell(room), cell(word, sign.style), ...rest]], this.#layout, { indent: 2, shrink: [3, 2] });
  }
}

const AT_MOST_EVERY_MS = 5_000;
const UNCHANGED_EVERY_MS = 20_000;

/** Decides which waiting messages are printed: never two within 5 s, and an unchanged one only every 20 s. */
class WaitThrottle {
  #text = '';
  #at = -Infinity;

  allows(text: string, now: number): boolean {
    if (now - this.#at < (text === this.#text ? UNCHANGED_EVERY_MS : AT_MOST_EVERY_MS)) return false;
    this.#text = text;
    this.#at = now;
    return true;
  }
}
