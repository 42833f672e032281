import { realParts, run } from './app.ts';
import { files } from './inputs/files.ts';
import { live } from './lifetime.ts';
import { openReport } from './report/index.ts';

const report = openReport(process.env, process.stdout);

live(process, {
  work: (signal) => run(realParts(process.argv.slice(2), process.env, files), report, signal),
  defect: (thrown) => report.defect(thrown),
  say: (text) => report.say(text),
});
