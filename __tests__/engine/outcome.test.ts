import { describe, expect, test } from '@jest/globals';
import { ending, lastLine, succeeded, type Outcome } from '../../src/engine/outcome.ts';

const quiet = { stdout: '', stderr: '' };
const cases: readonly { outcome: Outcome; success: boolean; words: string }[] = [
  { outcome: { ended: 'exited', code: 0, ...quiet }, success: true, words: 'exit 0' },
  { outcome: { ended: 'exited', code: 125, ...quiet }, success: false, words: 'exit 125' },
  { outcome: { ended: 'killed', signal: 'SIGTERM', ...quiet }, success: false, words: 'killed by SIGTERM' },
  { outcome: { ended: 'timed-out', afterMs: 1_500, ...quiet }, success: false, words: 'timed out after 1.5 s' },
  {
    outcome: { ended: 'lost', reason: 'keepalive timeout', ...quiet },
    success: false,
    words: 'connection lost: keepalive timeout',
  },
  {
    outcome: { ended: 'not-kept', reason: 'no space left on device', ...quiet },
    success: false,
    words: 'its output could not be saved: no space left on device',
  },
];

describe('an outcome', () => {
  test.each(cases)('$words: success $success', ({ outcome, success, words }) => {
    expect(succeeded(outcome)).toBe(success);
    expect(ending(outcome)).toBe(words);
  });

  test.each([
    ['standard error first', 'out\n', 'first\nsecond\n', 'second'],
    ['standard output if standard error is empty', 'one\ntwo\n\n', ' \n', 'two'],
    ['no Windows line ends', '', 'word\r\n', 'word'],
    ['a line with blanks around it, and blank lines after it', ' one\n\t two \u00a0\r\n \r\n', '', 'two'],
    ['only the beginning of an endless line', 'x'.repeat(1_000_000), '', 'x'.repeat(256 * 1024)],
    [
      'also the line that a line with a leading blank continues',
      '',
      'start\ndocker: iptables: No chain by that name.\n (exit status 1)).\n',
      'docker: iptables: No chain by that name. (exit status 1)).',
    ],
    ['nothing', '', '', ''],
  ])('shows %s', (_, stdout, stderr, line) => {
    expect(lastLine({ ended: 'exited', code: 1, stdout, stderr })).toBe(line);
  });
});
