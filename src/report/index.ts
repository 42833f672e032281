import { docsPage } from './failures.ts';
import { githubRenderer } from './github.ts';
import { Report } from './report.ts';
import { terminalRenderer, type Screen } from './terminal.ts';

/** The report of this process: GitHub's log if GitHub runs it, otherwise lines for a terminal, a file or a pipe. */
export function openReport(env: Readonly<Record<string, string | undefined>>, screen: Screen): Report {
  const verbose = env['RUNNER_DEBUG'] === '1' || (env['VERBOSE'] ?? '') !== '';
  const options = { docs: docsPage(env), verbose };
  if (env['GITHUB_ACTIONS'] === 'true') return new Report(githubRenderer(screen), options);
  const colour = screen.isTTY === true && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
  return new Report(terminalRenderer(screen, { colour, verbose }), options);
}
