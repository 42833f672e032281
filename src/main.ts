import { realParts, run } from './app.ts';
import { files } from './inputs/files.ts';
import { runProcess } from './lifetime.ts';
import { openReport } from './report/index.ts';

const report = openReport(process.env, process.stdout);

runProcess(process, {
  work: (signal) => run(realParts(process.argv.slice(2), process.env, files), report, signal),
  defect: (thrown) => report.defect(thrown),
  say: (text) => report.say(text),
});
