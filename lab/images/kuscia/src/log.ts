import { appendFileSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

export type Level = 'INFO' | 'WARN' | 'ERROR' | 'FATAL';

/** A log line as Kuscia writes it: local time without a zone, level, source position, text. */
export function logLine(at: Date, level: Level, source: string, text: string): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, '0')}`;
  return `${day} ${time} ${level} ${source} ${text}`;
}

/** Kuscia's log: stdout, and from `openFile` on also the file it names (mode 0600). */
export interface Log {
  info(source: string, text: string): void;
  warn(source: string, text: string): void;
  error(source: string, text: string): void;
  fatal(source: string, text: string): void;
  /** A line without time and level, stdout only. */
  plain(text: string): void;
  openFile(path: string): void;
}

/** A log that writes to `out`; the file is optional. */
export function createLog(
  out: (text: string) => void = (text) => void process.stdout.write(text),
  now: () => Date = () => new Date(),
): Log {
  let file = '';
  const write =
    (level: Level) =>
    (source: string, text: string): void => {
      const line = `${logLine(now(), level, source, text)}\n`;
      out(line);
      if (file) appendFileSync(file, line, { mode: 0o600 });
    };
  return {
    info: write('INFO'),
    warn: write('WARN'),
    error: write('ERROR'),
    fatal: write('FATAL'),
    plain: (text) => out(`${text}\n`),
    openFile: (path) => {
      mkdirSync(dirname(path), { recursive: true });
      file = path;
    },
  };
}
