import { DOCS_PAGE, type DocsPage } from './failures.ts';
import { githubFace } from './github.ts';
import { Report } from './report.ts';
import { terminalFace, type Screen } from './terminal.ts';

/** The environment's say in how a run is told. */
type Environment = Readonly<Record<string, string | undefined>>;

/** The report of this process: GitHub's log where GitHub runs it, lines for a terminal, a file or a pipe otherwise. */
export function openReport(env: Environment, screen: Screen): Report {
  const verbose = env['RUNNER_DEBUG'] === '1' || (env['VERBOSE'] ?? '') !== '';
  const options = { docs: docsPage(env), verbose };
  if (env['GITHUB_ACTIONS'] === 'true') return new Report(githubFace(screen), options);
  const colour = screen.isTTY === true && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
  return new Report(terminalFace(screen, { colour, verbose }), options);
}

/** The error reference of the very version that runs, where GitHub tells which that is. */
export function docsPage(env: Environment): DocsPage {
  const [server, repository, ref] = [env['GITHUB_SERVER_URL'], env['GITHUB_ACTION_REPOSITORY'], env['GITHUB_ACTION_REF']].map((value) => value ?? '');
  if (!/^https:\/\/[\w.:-]+$/.test(server ?? '') || !/^[\w.-]+\/[\w.-]+$/.test(repository ?? '')) return DOCS_PAGE;
  return `${server}/${repository}/blob/${/^[\w./-]+$/.test(ref ?? '') ? ref : 'HEAD'}/${DOCS_PAGE}`;
}
