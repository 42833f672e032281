// Compiles each Handlebars template into the sources, so that a run needs neither a file beside the bundle nor the compiler. `--check`: only checks whether they are up to date.
import { readFileSync, writeFileSync } from 'node:fs';
import Handlebars from 'handlebars';

const root = `${import.meta.dirname}/../`;
const TEMPLATES = [
  {
    from: 'templates/summary.md.hbs',
    to: 'src/report/template.ts',
    name: 'SUMMARY_TEMPLATE',
    knownHelpers: { md: true },
  },
  { from: 'templates/nginx.conf.hbs', to: 'src/nginx/template.ts', name: 'NGINX_TEMPLATE', knownHelpers: {} },
];

const check = process.argv.includes('--check');
let stale = 0;
for (const { from, to, name, knownHelpers } of TEMPLATES) {
  const compiled = Handlebars.precompile(readFileSync(root + from, 'utf8'), {
    noEscape: true,
    strict: true,
    knownHelpersOnly: true,
    knownHelpers,
  });
  const source = `// Generated from ${from} by scripts/templates.mjs.\n// @ts-nocheck: what Handlebars makes of it has no types.\n\n/** ${from}, compiled. */\nexport const ${name} = ${compiled};\n`;
  const current = readOr(root + to);
  if (current === source) continue;
  stale += 1;
  if (check) console.error(`${to} does not match ${from}: run npm run generate`);
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
