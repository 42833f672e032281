// Prepares a fresh clone: installs the npm packages of package-lock.json if they are missing.
// Runs on the machine's own Node (18 or newer); everything after it runs on Node 24, which is one of those packages.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

// Not import.meta.dirname, which Node 18 does not have.
const root = `${dirname(dirname(fileURLToPath(import.meta.url)))}/`;
const stamp = `${root}node_modules/.installed-lock`;
const lock = createHash('sha256')
  .update(readFileSync(`${root}package-lock.json`))
  .digest('hex');
const quiet = process.argv.includes('--quiet');

if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) {
  if (!quiet) console.log('setup: npm packages are up to date with package-lock.json');
} else {
  console.log(
    'setup: installing the npm packages of package-lock.json into node_modules (Node 24, TypeScript, jest, eslint, ncc, ...)',
  );
  const { status, error } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: 'inherit',
  });
  if (status !== 0) {
    console.error(`setup: npm ci failed (${error?.message ?? `exit ${status}`}); is the npm registry reachable?`);
    process.exit(1);
  }
  const installed = spawnSync(`${root}node_modules/.bin/node`, ['--version'], { encoding: 'utf8' });
  if (!installed.stdout?.startsWith('v24.')) {
    console.error(
      `setup: node_modules/.bin/node is not Node 24 (${installed.stdout?.trim() || installed.error?.message}); were install scripts forbidden for the package "node"?`,
    );
    process.exit(1);
  }
  writeFileSync(stamp, lock);
}
