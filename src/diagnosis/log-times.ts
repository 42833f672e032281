const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const ISO = /^(?:\[|time="?|")?(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,3})\d*)?(Z|[+-]\d\d:?\d\d)?/;
/** In Go's klog, which omits the year: `E1127 02:00:50.173`. */
const KLOG = /^[IWEF](\d\d)(\d\d) (\d\d):(\d\d):(\d\d)\.(\d{3})/;
/** In an access log: `[27/Nov/2026:02:00:50 +0800]`. */
const ACCESS = /\[(\d\d)\/([A-Z][a-z]{2})\/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-]\d{4})\]/;

/**
 * When a line was written; `offset` is how far the writer's clock is ahead of UTC, in milliseconds, for lines without a
 * time zone. Without it, such lines have no known time.
 */
export function timeOf(line: string, offset: number | undefined, now: number): number | undefined {
  const iso = ISO.exec(line);
  if (iso) return inZone(utc(iso.slice(1, 7), iso[7]), iso[8], offset);
  const access = ACCESS.exec(line.slice(0, 200));
  if (access)
    return inZone(
      utc([access[3] ?? '', String(MONTHS.indexOf(access[2] ?? '') + 1), access[1] ?? '', ...access.slice(4, 7)]),
      access[7],
      offset,
    );
  const klog = KLOG.exec(line);
  return klog
    ? inZone(utc([String(new Date(now).getUTCFullYear()), ...klog.slice(1, 6)], klog[6]), undefined, offset)
    : undefined;
}

/** Milliseconds of a date and time as if it were UTC. */
function utc(parts: readonly string[], fraction = '0'): number {
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = parts.map(Number);
  return Date.UTC(year, month - 1, day, hour, minute, second, Number(fraction.padEnd(3, '0')));
}

function inZone(asUtc: number, zone: string | undefined, offset: number | undefined): number | undefined {
  if (zone === undefined) return offset === undefined ? undefined : asUtc - offset;
  if (zone === 'Z') return asUtc;
  const [, sign = '+', hours = '0', minutes = '0'] = /^([+-])(\d\d):?(\d\d)$/.exec(zone) ?? [];
  return asUtc - (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
}

const QUARTER_MS = 15 * 60_000;

/**
 * How far the clock in the lines is ahead of Docker's timestamp before each, in quarters of an hour like time zones.
 * Undefined if no line has both.
 */
export function offsetIn(lines: readonly string[]): number | undefined {
  for (const line of lines) {
    const [, stamp = '', rest = ''] = /^(\d{4}-\d\d-\d\dT\S+Z) (.*)$/.exec(line) ?? [];
    const [byDocker, local] = [timeOf(stamp, 0, 0), timeOf(rest, 0, 0)];
    if (byDocker !== undefined && local !== undefined && !/^\S*(Z|[+-]\d\d:\d\d)"?\s/.test(rest))
      return Math.round((local - byDocker) / QUARTER_MS) * QUARTER_MS;
  }
  return undefined;
}

/** The lines since that time. A line without a time belongs to the one before it. */
export function since(lines: readonly string[], from: number, offset: number | undefined, now: number): string[] {
  let kept = false;
  return lines.filter((line) => {
    const at = timeOf(line, offset, now);
    if (at !== undefined) kept = at >= from;
    return kept;
  });
}
