// Writes each Handlebars template into the sources as text, so that the bundle is one file. `--check`: only says whether they are up to date.
import { readFileSync, writeFileSync } from 'node:fs';

const root = `${import.meta.dirname}/../`;
const TEMPLATES = [
  { from: 'templates/summary.md.hbs', to: 'src/report/template.ts', name: 'SUMMARY_TEMPLATE' },
  { from: 'templates/nginx.conf.hbs', to: 'src/nginx/template.ts', name: 'NGINX_TEMPLATE' },
];

const check = process.argv.includes('--check');
let stale = 0;
for (const { from, to, name } of TEMPLATES) {
  const lines = readFileSync(root + from, 'utf8').split('\n').map((line) => `  ${JSON.stringify(line)},\n`);
  const source = `// Generated from ${from} by scripts/templates.mjs.\n\n/** The text of ${from}. */\nexport const ${name} = [\n${lines.join('')}].join('\\n');\n`;
  const current = readOr(root + to);
  if (current === source) continue;
  stale += 1;
  if (check) console.error(`${to} is not what ${from} gives: run npm run generate`);
  else {
    writeFileSync(root + to, source);
    console.log(`${to} written from ${from}`);
  }
}
process.exitCode = check && stale > 0 ? 1 : 0;

function readOr(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
