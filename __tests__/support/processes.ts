import { readdirSync, readFileSync } from 'node:fs';

/** Process ids of all that runs on this machine with a command line that begins so (arguments separated by blanks). Linux only. */
export function processesOf(beginning: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => commandLine(pid).startsWith(beginning));
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}
