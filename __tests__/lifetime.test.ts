import { spawn } from 'node:child_process';
import { expect, test } from '@jest/globals';

interface Ended {
  readonly code: number | null;
  readonly said: string;
}

/** Runs `work` (source text) as the whole work of a process, sends it the signals one by one as it says "ready". */
function lived(work: string, ...signals: NodeJS.Signals[]): Promise<Ended> {
  return livedWith(work, signals, 700);
}

/** The same, with that many milliseconds between signals. */
function livedWith(work: string, signals: readonly NodeJS.Signals[], pauseMs: number): Promise<Ended> {
  const source = `
    import { runProcess } from ${JSON.stringify(`${import.meta.dirname}/../src/lifetime.ts`)};
    const say = (text) => process.stdout.write(text + '\\n');
    runProcess(process, { say, defect: (thrown) => say('defect: ' + thrown.message), work: ${work} });`;
  const child = spawn(process.execPath, [
    '--disable-warning=ExperimentalWarning',
    '--input-type=module',
    '--eval',
    source,
  ]);
  let said = '';
  let sent = 0;
  child.stderr.on('data', (data: Buffer) => (said += data.toString()));
  child.stdout.on('data', (data: Buffer) => {
    said += data.toString();
    const next = signals[sent];
    if (next !== undefined && said.split(sent === 0 ? 'ready' : 'cancelling').length > 1) {
      sent += 1;
      setTimeout(() => child.kill(next), sent === 1 ? 0 : pauseMs);
    }
  });
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, said })));
}

const FOREVER = 'new Promise((resolve) => setTimeout(resolve, 60_000))';

test('exits with the code of its work', async () => {
  expect(await lived('async () => 0')).toEqual({ code: 0, said: '' });
  expect(await lived('async () => 3')).toEqual({ code: 3, said: '' });
});

test('never exits with 0 when its work stops halfway', async () => {
  const { code, said } = await lived('() => new Promise(() => {})');
  expect(code).toBe(1);
  expect(said).toContain('defect: the run ended too early');
});

test('does not exit with 0 when other code ends the process too early', async () => {
  expect((await lived(`() => { setTimeout(() => process.exit()); return ${FOREVER} }`)).code).toBe(1);
});

test.each([
  ['thrown by the work', 'async () => { throw new Error("boom") }'],
  ['thrown outside the work', `() => { setTimeout(() => { throw new Error("boom") }); return ${FOREVER} }`],
  ['rejected without a handler', `() => { Promise.reject(new Error("boom")); return ${FOREVER} }`],
])('reports what was %s, and does not exit with 0', async (_what, work) =>
  expect(await lived(work)).toEqual({ code: 1, said: 'defect: boom\n' }),
);

test('the first signal cancels, and the work ends by itself', async () => {
  const { code, said } = await lived(
    `(signal) => new Promise((resolve) => { const wait = setTimeout(() => {}, 60_000); signal.addEventListener('abort', () => { clearTimeout(wait); resolve(1); }); say('ready'); })`,
    'SIGTERM',
  );
  expect(code).toBe(1);
  expect(said).toContain('SIGTERM: cancelling');
});

test('the second signal ends it immediately', async () => {
  expect(await lived(`() => { say('ready'); return ${FOREVER} }`, 'SIGTERM', 'SIGINT')).toMatchObject({ code: 130 });
});

test('an open handle does not keep it alive', async () => {
  const { code } = await lived('async () => { setInterval(() => {}, 1_000); return 0; }');
  expect(code).toBe(0);
}, 15_000);

test('a signal that comes twice at once, to the process and to its group, cancels once', async () => {
  const work = `(signal) => new Promise((resolve) => { const wait = setTimeout(() => {}, 60_000); say('ready'); signal.addEventListener('abort', () => setTimeout(() => { clearTimeout(wait); resolve(1); }, 300)); })`;
  expect(await livedWith(work, ['SIGINT', 'SIGINT'], 0)).toEqual({
    code: 1,
    said: 'ready\nSIGINT: cancelling and stopping the commands on the hosts. Press Ctrl-C again to exit immediately.\n',
  });
});
