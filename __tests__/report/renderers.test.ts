import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { annotation, grouped, groupLines, docsPage, type DocsPage, type Severity } from '../../src/report/failures.ts';
import { md } from '../../src/report/markdown.ts';
import type { Failure } from '../../src/engine/errors.ts';
import type { Layout } from '../../src/report/layout.ts';
import { RunState } from '../../src/report/run-state.ts';
import { summary } from '../../src/report/summary.ts';
import { terminalRenderer } from '../../src/report/terminal.ts';
import { ALICE, CUT, planOf, step } from './alice.ts';
import { play, reportOn } from './play.ts';
import { RUNS } from './runs.ts';
import { findings } from '../../src/report/reported.ts';

/** The blocks of these failures. */
const failureLines = (
  failures: Failure | readonly Failure[],
  severity: Severity,
  look: Layout,
  docs: DocsPage,
): string[] => grouped([failures].flat()).flatMap((group) => groupLines(group, severity, look, docs));

/** The output to a terminal. */
async function onTerminal(options: { colour: boolean; verbose: boolean }, columns: number): Promise<string[]> {
  const written: string[] = [];
  const face = terminalRenderer({ write: (text: string) => written.push(text), isTTY: true, columns }, options);
  await play(reportOn(face), await RUNS.plan());
  return written.join('').split('\n');
}

describe('the terminal', () => {
  test('is coloured when it can be, and no line is wider than it', async () => {
    const lines = await onTerminal({ colour: true, verbose: false }, 90);
    expect(lines.join('')).toContain('\x1b[32m+ join as worker\x1b[0m');
    // eslint-disable-next-line no-control-regex
    expect(lines.map((line) => line.replace(/\x1b\[\d+m/g, '').length).filter((length) => length > 90)).toEqual([]);
    expect(lines.join('\n')).toMatch(/after apply: \w+…/);
  });

  test('folds what is satisfied into one line by default', async () => {
    expect(
      (await onTerminal({ colour: false, verbose: false }, 120)).filter((line) =>
        line.includes('meets the requirements'),
      ),
    ).toEqual([]);
    expect(
      (await onTerminal({ colour: false, verbose: true }, 120)).filter((line) =>
        line.includes('meets the requirements'),
      ),
    ).toHaveLength(2);
  });
});

test("GitHub's log gets masks first, groups, one annotation, outputs and a summary", () => {
  const folder = mkdtempSync(`${tmpdir()}/report-`);
  try {
    const [output, page] = [`${folder}/output`, `${folder}/summary`];
    for (const file of [output, page]) writeFileSync(file, '');
    const script = `
      import { openReport } from ${JSON.stringify(`${import.meta.dirname}/../../src/report/index.ts`)};
      import { Secret } from ${JSON.stringify(`${import.meta.dirname}/../../src/engine/secret.ts`)};
      import { CUT } from ${JSON.stringify(`${import.meta.dirname}/alice.ts`)};
      import { play } from ${JSON.stringify(`${import.meta.dirname}/play.ts`)};
      import { RUNS } from ${JSON.stringify(`${import.meta.dirname}/runs.ts`)};
      const report = openReport(process.env, process.stdout);
      report.hide([new Secret('password', 'correct horse')]);
      await play(report, await RUNS['apply-changed'](), [{ ...CUT, evidence: '::set-output name=changed::correct horse' }]);`;
    const env = {
      PATH: process.env['PATH'] ?? '',
      GITHUB_ACTIONS: 'true',
      GITHUB_OUTPUT: output,
      GITHUB_STEP_SUMMARY: page,
    };
    const { stdout, stderr, status } = spawnSync(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', script],
      { env, encoding: 'utf8' },
    );
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
    const lines = stdout.split('\n');
    const firstPrinted = lines.findIndex((line) => !line.startsWith('::add-mask::'));
    expect(firstPrinted).toBeGreaterThan(3);
    expect(
      lines
        .slice(firstPrinted)
        .filter((line) => /^\s*::/.test(line))
        .map((line) => line.split(/ |::/)[1]),
    ).toEqual(['group', 'endgroup', 'warning', 'group', 'endgroup', 'group', 'endgroup', 'error']);
    expect(lines.slice(firstPrinted).join('\n')).not.toContain('correct horse');
    expect(lines.find((line) => line.startsWith('::error'))).toContain(
      '::error title=KS-1204 data-path-cut::KS-1204 data-path-cut: node-02 cannot reach node-03',
    );
    expect(readFileSync(output, 'utf8')).toMatch(/^changed<<(\S+)\n3\n\1\n/);
    expect(readFileSync(page, 'utf8')).toContain('## ❌ alice: apply failed with KS-1204 data-path-cut');
    expect(readFileSync(page, 'utf8')).not.toContain('correct horse');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

describe('an annotation', () => {
  test('names all findings and keeps within 4096 characters', () => {
    const many = Array.from({ length: 60 }, (_, i) => ({
      ...CUT,
      what: `finding ${i}`,
      evidence: 'e'.repeat(5_000),
      remedy: `Do ${i}.`,
    }));
    const { title, message } = annotation(many, 'docs/troubleshooting.md');
    expect(title).toBe('60 findings');
    expect(message.length).toBeLessThan(4_096);
    expect(message).toContain('finding 0');
    expect(message).toMatch(/\d+ more in the log and in the job summary\.$/);
  });

  test('keeps within the limit even if a single finding is too long', () => {
    expect(annotation([{ ...CUT, what: 'w'.repeat(9_000) }], 'd').message.length).toBeLessThan(4_096);
  });
});

test('a failure names its host once', () => {
  const look = { width: Infinity, paint: (_style: unknown, text: string) => text };
  expect(failureLines({ ...CUT, what: 'the disk is full' }, 'error', look, 'd')[0]).toBe(
    'Error KS-1204 data-path-cut: node-02: the disk is full',
  );
  expect(failureLines(CUT, 'warning', look, 'd')[0]).toBe(
    'Warning KS-1204 data-path-cut: node-02 cannot reach node-03 over kuscia-exchange-cluster',
  );
});

test('failures of one kind with one remedy are one block, and the same failure is reported once', () => {
  const look = { width: Infinity, paint: (_style: unknown, text: string) => text };
  const engine = {
    code: 'engine-unreachable',
    host: 'node-01',
    what: 'the Docker Engine does not answer',
    evidence: 'exit 1',
    remedy: 'Start it.',
  } as const;
  expect(
    failureLines([engine, CUT, { ...engine }, { ...engine, host: 'node-02' }], 'error', look, 'd').slice(0, 5),
  ).toEqual([
    'Error KS-1202 engine-unreachable: 2 findings',
    '  node-01    the Docker Engine does not answer; exit 1',
    '  node-02    the Docker Engine does not answer; exit 1',
    '  do         Start it. See d#ks-1202',
    'Error KS-1204 data-path-cut: node-02 cannot reach node-03 over kuscia-exchange-cluster',
  ]);
});

test('a defect shows where it happened', () => {
  const look = { width: Infinity, paint: (_style: unknown, text: string) => text };
  expect(
    failureLines({ code: 'internal', what: 'Error: x\n    at f (a.ts:1)', remedy: 'Report this.' }, 'error', look, 'd'),
  ).toEqual([
    'Error KS-1900 internal: Error: x',
    '             at f (a.ts:1)',
    '  do         Report this. See d#ks-1900',
  ]);
});

describe('the job summary', () => {
  test('stays below its limit by shortening its tables, and says so', () => {
    const story = new RunState();
    story.begin({ mode: 'plan', cluster: ALICE, stages: ['a'] });
    const steps = Array.from({ length: 5_000 }, (_, i) =>
      step('node-01', '+', `change ${i} ${'x'.repeat(300)}`, 'y'.repeat(300)),
    );
    story.record({ is: 'planned', stage: 'a', plan: findings(planOf({ steps })) });
    const markdown = summary(story, 'd', 256 * 1024);
    expect(Buffer.byteLength(markdown)).toBeLessThanOrEqual(256 * 1024);
    expect(markdown).toContain('4800 more are in the `plan` output and in the log.');
    expect(Buffer.byteLength(summary(story, 'd', 1_000))).toBeLessThanOrEqual(1_000);
  });

  test('takes values as text, not as Markdown or HTML', () => {
    expect(md('a|b <img src=x> *b* [l](http://x) `c` \\ @you www.x.org\n# h')).toBe(
      'a\\|b &lt;img src=x&gt; \\*b\\* \\[l\\](http:&#47;&#47;x) \\`c\\` \\\\ &#64;you www&#46;x.org \\# h',
    );
  });

  test('has every value pass the escaping helper', () => {
    const template = readFileSync(join(import.meta.dirname, '../../templates/summary.md.hbs'), 'utf8');
    const raw = [...template.matchAll(/{{([^}]*)}}/g)]
      .map(([, inside]) => inside ?? '')
      .filter((inside) => !/^(md |#|\/|else)/.test(inside));
    expect(new Set(raw)).toEqual(
      new Set(['mark', 'help', 'left.failures', 'left.changes', 'this', 'changes', 'satisfied']),
    );
  });

  test('marks what fails in the picture, and a label is only a label', () => {
    const story = new RunState();
    const [first, ...others] = ALICE.hosts;
    if (!first) throw new Error('alice has hosts');
    story.begin({
      mode: 'plan',
      cluster: { ...ALICE, hosts: [{ ...first, name: 'a"]; click b' }, ...others] },
      stages: [],
    });
    const markdown = summary(story, 'd', 100_000);
    expect(markdown).toContain('host0["a#34;#93;#59; click b, 10.0.0.11, manager"]');
  });
});

test('the error reference is linked where GitHub says which version runs', () => {
  const env = {
    GITHUB_SERVER_URL: 'https://github.com',
    GITHUB_ACTION_REPOSITORY: 'o/kuscia-swarm',
    GITHUB_ACTION_REF: 'v1',
  };
  expect(docsPage(env)).toBe('https://github.com/o/kuscia-swarm/blob/v1/docs/troubleshooting.md');
  expect(docsPage({ ...env, GITHUB_ACTION_REPOSITORY: 'x)](javascript:1' })).toBe('docs/troubleshooting.md');
  expect(docsPage({})).toBe('docs/troubleshooting.md');
});

test('it is linked in the run steps of a composite too, where GitHub’s runner clears its own variables and only env can pass them on', () => {
  const emptied = { GITHUB_SERVER_URL: 'https://github.com', GITHUB_ACTION_REPOSITORY: '', GITHUB_ACTION_REF: '' };
  const github: Readonly<Record<string, string>> = {
    '${{ github.action_repository }}': 'o/kuscia-swarm',
    '${{ github.action_ref }}': 'v2',
  };
  expect(docsPage(emptied)).toBe('docs/troubleshooting.md');
  const folder = join(import.meta.dirname, '../../actions');
  const actions = readdirSync(folder).filter((name) => !name.includes('.'));
  expect(actions.length).toBeGreaterThan(10);
  for (const action of actions) {
    const { runs } = parse(readFileSync(join(folder, action, 'action.yml'), 'utf8')) as {
      runs: { steps: { run?: string; env?: Record<string, string> }[] };
    };
    for (const { env = {} } of runs.steps.filter(({ run }) => run !== undefined)) {
      const passed = Object.fromEntries(Object.entries(env).map(([name, value]) => [name, github[value] ?? value]));
      expect([action, docsPage({ ...emptied, ...passed })]).toEqual([
        action,
        'https://github.com/o/kuscia-swarm/blob/v2/docs/troubleshooting.md',
      ]);
    }
  }
});
