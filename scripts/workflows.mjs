// Checks every workflow and action file with GitHub's own language service, as an editor does. `workflows.mjs FILE...` checks those files.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = resolve(import.meta.dirname, '..');
const KIND = /^(?:\.github\/workflows\/[^/]+|workflows\/[^/]+|(?:.*\/)?action)\.ya?ml$/;

// The language service imports JSON without an import attribute, which bundlers accept and Node does not.
registerHooks({
  load: (url, context, next) =>
    url.endsWith('.json')
      ? { format: 'module', source: `export default ${readFileSync(fileURLToPath(url), 'utf8')}`, shortCircuit: true }
      : next(url, context),
});
const { registerLogger, validate } = await import('@actions/languageservice');
const { TextDocument } = await import('vscode-languageserver-textdocument');

/** Provides the files of this repository that others refer to; other repositories are not available. */
const fileProvider = {
  async getFileContent({ path, repository }) {
    if (repository !== undefined && repository !== 'kuscia-swarm')
      throw new Error(`${repository} is another repository`);
    return { name: path, content: readFileSync(join(root, path), 'utf8') };
  },
};

/** The faults of a file, one line each. */
async function findings(file) {
  const path = resolve(root, file);
  // The service determines the kind of a file by its path; the templates in workflows/ are workflows too.
  const uri = pathToFileURL(
    /(?:^|\/)action\.ya?ml$/.test(file) ? path : path.replace(/^.*\//, `${root}/.github/workflows/`),
  ).href;
  const unhandled = [];
  const keep = (message) => void unhandled.push(`${file}: ${message}`);
  registerLogger({ error: keep, warn: keep, info: () => undefined, log: () => undefined });
  const found = await validate(TextDocument.create(uri, 'yaml', 1, readFileSync(path, 'utf8')), { fileProvider });
  return [...found.map(({ range, message }) => `${file}:${range.start.line + 1}: ${message}`), ...unhandled];
}

function ownFiles() {
  const listed = spawnSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], {
    cwd: root,
    encoding: 'utf8',
  });
  if (listed.status !== 0) throw new Error(`git ls-files failed: ${listed.stderr}`);
  return listed.stdout.split('\0').filter((name) => KIND.test(name) && existsSync(join(root, name)));
}

const files = process.argv.length > 2 ? process.argv.slice(2) : ownFiles();
const wrong = (await Promise.all(files.map(findings))).flat();
for (const line of wrong) console.log(line);
console.log(`workflows: ${files.length} files, ${wrong.length === 0 ? 'nothing wrong' : `${wrong.length} findings`}`);
process.exitCode = wrong.length === 0 && files.length > 0 ? 0 : 1;
