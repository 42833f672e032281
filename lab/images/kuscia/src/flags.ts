/** A flag of the command line: its long name, its one-letter name, and whether it stands alone. */
export interface FlagRule {
  readonly long: string;
  readonly short?: string;
  readonly alone?: boolean;
}

export type Flags =
  | { readonly ok: true; readonly values: ReadonlyMap<string, string>; readonly rest: readonly string[] }
  | { readonly ok: false; readonly message: string };

/** Reads POSIX/GNU flags as Go's pflag does, with its error texts; what is no flag is collected in `rest`. */
export function readFlags(args: readonly string[], rules: readonly FlagRule[]): Flags {
  const values = new Map<string, string>();
  const rest: string[] = [];
  const queue = [...args];
  for (let arg = queue.shift(); arg !== undefined; arg = queue.shift()) {
    if (arg === '--') return { ok: true, values, rest: [...rest, ...queue] };
    if (!arg.startsWith('-') || arg === '-') {
      rest.push(arg);
      continue;
    }
    const long = arg.startsWith('--');
    const [name, inline] = long
      ? splitOnce(arg.slice(2))
      : [arg.slice(1, 2), arg.length > 2 ? arg.slice(arg[2] === '=' ? 3 : 2) : undefined];
    const rule = rules.find((candidate) => (long ? candidate.long === name : candidate.short === name));
    if (!rule)
      return { ok: false, message: long ? `unknown flag: --${name}` : `unknown shorthand flag: '${name}' in ${arg}` };
    const value = inline ?? (rule.alone ? 'true' : queue.shift());
    if (value === undefined)
      return {
        ok: false,
        message: long ? `flag needs an argument: --${name}` : `flag needs an argument: '${name}' in ${arg}`,
      };
    values.set(rule.long, value);
  }
  return { ok: true, values, rest };
}

function splitOnce(text: string): [string, string | undefined] {
  const at = text.indexOf('=');
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}
