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
