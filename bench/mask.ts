import { generateKeyPairSync } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { withoutCredentials } from '../src/diagnosis/credentials.ts';
import { Secret } from '../src/engine/secret.ts';
import { Masks } from '../src/report/mask.ts';

// How long one line may delay a run: the slowest of lines written for that purpose. `node bench/mask.ts`
const newKey = (): string =>
  generateKeyPairSync('rsa', { modulusLength: 4096 }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const key = newKey();
const password = 'Hidden-Value.42!';
const masks = new Masks();
masks.hide([new Secret('key', key), new Secret('other key', newKey()), new Secret('password', password)]);

const PIECES = [
  'a',
  'Hidd',
  password.slice(0, -1),
  password,
  key.slice(0, 200),
  'MII',
  '\n ',
  '\\n',
  '\\n\n  x',
  '\x1b[0',
  '\x1b]',
  '\x9b0',
  ':: ',
  'eyJ.',
  'a://',
  'a://b:',
  'SWMTKN-',
  'token=',
  'bearer   ',
];
const LENGTHS = [4_000, 16_000, 64_000];

/** The fastest of several, in milliseconds: what else the machine does only makes it slower. */
function timed(run: () => unknown): number {
  const times = Array.from({ length: 25 }, () => {
    const started = performance.now();
    run();
    return performance.now() - started;
  });
  return Math.min(...times);
}

for (const length of LENGTHS) {
  const lines = PIECES.map((piece) => piece.repeat(length).slice(0, length));
  for (const [name, run] of [
    ['masked', (line: string) => masks.mask(line)],
    ['cleaned', (line: string) => masks.clean(line)],
    ['without credentials', withoutCredentials],
  ] as const) {
    const times = lines.map((line) => timed(() => run(line)));
    const most = Math.max(...times);
    console.log(
      `${String(length).padStart(6)} characters, ${name}: ${most.toFixed(2)} ms at most (${JSON.stringify(PIECES[times.indexOf(most)]?.slice(0, 20))})`,
    );
  }
}
