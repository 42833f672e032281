import { describe, expect, jest, test } from '@jest/globals';
import fc from '../support/random.ts';
import { printedForms, Secret } from '../../src/engine/secret.ts';
import { githubRenderer } from '../../src/report/github.ts';
import { Masks } from '../../src/report/mask.ts';
import { play, recorder, reportOn } from './play.ts';
import { planOf, step } from './alice.ts';
import { RUNS } from './runs.ts';
import { SPELLINGS } from '../support/spellings.ts';
import { says } from '../support/lines.ts';

/** Secrets as people have them: printable, with what quoting, encoding and line ends can do to them. */
const secretText = fc.oneof(
  fc.string({
    unit: fc.constantFrom(...'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789'),
    minLength: 12,
    maxLength: 40,
  }),
  fc
    .string({ unit: fc.constantFrom(...`aZ9'"\\ $&%+/=:#|<>*~[]{}é密\x1b`), minLength: 12, maxLength: 30 })
    .filter((text) => text.trim().length >= 10 && new Set(text).size > 5),
  fc
    .array(fc.string({ unit: fc.constantFrom(...'ABCDEFGHabcdefgh0123456789+/='), minLength: 20, maxLength: 40 }), {
      minLength: 2,
      maxLength: 4,
    })
    .map((lines) => lines.join('\n')),
);

const filler = fc.string({ unit: fc.constantFrom(...'xyz .,-\n\t\x1b\u0000'), maxLength: 12 });

describe('masking', () => {
  test('leaves no form of any secret, wherever and however often it occurs', () => {
    fc.assert(
      fc.property(
        fc.array(secretText, { minLength: 1, maxLength: 3 }),
        fc.array(filler, { minLength: 2, maxLength: 5 }),
        fc.nat(),
        (texts, fillers, seed) => {
          const secrets = texts.map((text, i) => new Secret(`secret ${i}`, text));
          const forms = secrets.flatMap(printedForms);
          const masks = new Masks();
          masks.hide(secrets);
          const said = fillers.map((text, i) => text + (forms[(seed + i * 7) % forms.length] ?? '')).join('');
          const masked = masks.mask(said);
          expect(forms.filter((form) => masked.includes(form))).toEqual([]);
          const clean = masks.clean(said);
          expect(forms.filter((form) => clean.includes(form))).toEqual([]);
        },
      ),
      { numRuns: 300 },
    );
  });

  test.each(Object.entries(SPELLINGS))('leaves no secret in another spelling: %s', (_, spell) => {
    fc.assert(
      fc.property(secretText, filler, filler, (text, before, after) => {
        const masks = new Masks();
        masks.hide([new Secret('a', text)]);
        for (const spelt of spell(text)) expect(masks.mask(`${before}${spelt}${after}`)).not.toContain(spelt);
      }),
      { numRuns: 200 },
    );
  });

  test.each(['\n', '\r\n', '\n    ', '\\n'])('leaves no base64 or hex of a secret that was split by %j', (by) => {
    fc.assert(
      fc.property(
        secretText,
        fc.constantFrom(7, 64, 76),
        fc.constantFrom('base64' as const, 'hex' as const),
        (text, width, encoding) => {
          const masks = new Masks();
          masks.hide([new Secret('a', text)]);
          const encoded = Buffer.from(`key: ${text}`).toString(encoding);
          const masked = masks.mask(encoded.replace(new RegExp(`.{${width}}`, 'g'), `$&${by}`));
          expect(masked.replaceAll(by, '').length).toBeLessThan(16);
        },
      ),
      { numRuns: 200 },
    );
  });

  test('covers nothing beside a secret that was split', () => {
    const masks = new Masks();
    masks.hide([new Secret('a', 'correct horse battery')]);
    expect(masks.mask('one\n  correct horse bat\n  tery staple\n  two')).toBe('one\n  *** staple\n  two');
    expect(masks.mask('one\n  two\\n  three')).toBe('one\n  two\\n  three');
  });

  test('covers secrets that overlap without leaving the end of one', () => {
    const masks = new Masks();
    masks.hide([new Secret('a', 'abcdefgh'), new Secret('b', 'efghijkl')]);
    expect(masks.mask('x abcdefghijkl y')).toBe('x *** y');
  });

  test('covers a secret that control characters had split', () => {
    const masks = new Masks();
    masks.hide([new Secret('a', 'correct horse')]);
    expect(masks.clean('it is cor\x1b[31mrect\u200b horse.')).toBe('it is ***.');
  });

  test('covers a secret that looks like a workflow command, before that is made harmless', () => {
    const masks = new Masks();
    masks.hide([new Secret('a', '::set-output::x')]);
    expect(masks.clean('pw ::set-output::x')).toBe('pw ***');
  });

  test('terminates even if the secret consists of asterisks', () => {
    const masks = new Masks();
    masks.hide([new Secret('a', '****')]);
    expect(masks.mask('***** and *******')).toBe('*** and ***');
  });

  test('gives each form once', () => {
    const masks = new Masks();
    expect(masks.hide([new Secret('a', 'correct horse')]).length).toBeGreaterThan(3);
    expect(masks.hide([new Secret('again', 'correct horse')])).toEqual([]);
  });
});

describe("what GitHub's runner is told to mask of a secret of several lines", () => {
  const body = ['b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ', 'QyNTUxOQAAACB7b%sZ+R/lWmDZLrV5mKjQ0cW1k=', 'Y9bm9h=='];
  const KEY = ['-----BEGIN OPENSSH PRIVATE KEY-----', ...body, '-----END OPENSSH PRIVATE KEY-----', ''];

  /** The masks as the runner reads them from what @actions/core prints; of a value with line ends it would make one for each line. Source: actions/runner, AddMaskCommandExtension. */
  function announced(secret: string): string[] {
    const printed: string[] = [];
    const write = jest.spyOn(process.stdout, 'write').mockImplementation((text) => printed.push(String(text)) > 0);
    const masks = new Masks();
    try {
      githubRenderer({ write: () => true }).hide(masks.hide([new Secret('key', secret)]));
    } finally {
      write.mockRestore();
    }
    const commands = printed
      .join('')
      .split('\n')
      .filter((line) => line !== '');
    expect(commands.filter((line) => !line.startsWith('::add-mask::'))).toEqual([]);
    return commands.map((line) =>
      line.slice('::add-mask::'.length).replaceAll('%0D', '\r').replaceAll('%0A', '\n').replaceAll('%25', '%'),
    );
  }

  test.each([
    ['line feeds', '\n'],
    ['carriage returns, too', '\r\n'],
  ])('is each line that means something by itself, and the whole as written in one line (%s)', (_, by) => {
    const key = KEY.join(by);
    const masks = announced(key);
    expect(masks).toEqual(
      expect.arrayContaining([
        ...body.slice(0, 2),
        Buffer.from(key).toString('base64'),
        JSON.stringify(key).slice(1, -1),
        encodeURIComponent(key),
      ]),
    );
    expect(masks.filter((mask) => /[\r\n]/.test(mask) || mask.length < 4)).toEqual([]);
    const covered = (text: string): string => masks.reduce((rest, mask) => rest.replaceAll(mask, '***'), text);
    for (const spelt of [
      key,
      JSON.stringify({ key }),
      `key: ${Buffer.from(key).toString('base64')}`,
      KEY.map((line) => `  ${line}`).join(by),
    ]) {
      expect(body.slice(0, 2).filter((line) => covered(spelt).includes(line.slice(0, 12)))).toEqual([]);
    }
    // Masking such a short line would hide other words; by itself it is not a secret.
    expect(masks).not.toContain(body[2]);
  });
});

test('no form of a secret survives in the log, an annotation, an output or the summary', async () => {
  const runs = await Promise.all([RUNS.plan(), RUNS['apply-failed'](), RUNS['verify-failed']()]);
  await fc.assert(
    fc.asyncProperty(secretText, fc.nat(), fc.constantFrom(...runs), async (text, seed, run) => {
      const secret = new Secret('password', text);
      const forms = printedForms(secret);
      const form = forms[seed % forms.length] ?? text;
      const face = recorder(seed % 2 === 0 ? Infinity : 80);
      const report = reportOn(face);
      report.hide([secret]);
      report.emit({
        is: 'planned',
        stage: 'mysql-up',
        plan: planOf({
          steps: [step('node-01', '+', `run with ${form}`, form)],
          satisfied: [{ host: form, ...says(form, form) }],
          later: [{ host: 'node-01', ...says(form, form) }],
        }),
      });
      report.emit({ is: 'said', stage: 'mysql-up', host: 'node-01', text: `x${form}y` });
      report.say(`=${form}`);
      report.defect(new Error(form));
      await play(report, run, [
        {
          code: 'command-failed',
          host: 'node-01',
          what: form,
          evidence: `e ${form}\n${form}`,
          cause: form,
          remedy: form,
        },
      ]);
      const printed = [
        ...face.lines,
        ...face.annotations.map(({ title, message }) => `${title}\n${message}`),
        face.markdown,
        ...Object.values(face.outputs),
      ];
      for (const each of forms) expect(printed.filter((text) => text.includes(each))).toEqual([]);
    }),
    { numRuns: 60 },
  );
});

test('a text too long to be processed never shows half a secret, wherever it is cut', () => {
  const masks = new Masks();
  const secret = 'correct-horse-battery-staple';
  masks.hide([new Secret('password', secret)]);
  const longest = Math.max(...printedForms(new Secret('password', secret)).map((form) => form.length));
  for (let at = 32_000 - 8 * longest; at < 32_000 + 8 * longest; at += 1) {
    // The text before it vanishes when control characters are removed, so that the text at the cut is near enough to be shown.
    const shown = masks.clean(`${'\0'.repeat(at)}${secret}${'x'.repeat(50_000)}`);
    expect(shown).toMatch(/^\*{0,3}x*… \(\d+ more characters\)$/);
  }
  expect(masks.clean(`could not look: ${'\0'.repeat(9_000_000)}`)).toMatch(
    /^could not look: … \(\d+ more characters\)$/,
  );
  expect(masks.clean('a'.repeat(9_000_000))).toBe(`${'a'.repeat(2_000)}… (8998000 more characters)`);
});
