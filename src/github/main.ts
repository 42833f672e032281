import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { runProcess } from '../lifetime.ts';
import { docsPage } from '../report/failures.ts';
import { run } from './dispatch.ts';
import { GithubReporter } from './reporter.ts';

const reporter = new GithubReporter(process.stdout, docsPage(process.env));

runProcess(process, {
  work: (signal) =>
    run({
      env: process.env,
      read: (path) => readFileSync(path, 'utf8'),
      reporter,
      signal,
      now: Date.now,
      pause: (ms, signal) => pause(ms, undefined, { signal }),
    }),
  defect: (thrown) => reporter.fail(thrown),
  say: (text) => reporter.say(text),
});
