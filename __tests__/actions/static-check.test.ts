import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

const root = join(import.meta.dirname, '../..');

const WRONG: [what: string, file: string, text: string, said: string][] = [
  [
    'a step without shell in an action',
    'action.yml',
    'name: x\ndescription: y\nruns: { using: composite, steps: [{ run: echo }] }\n',
    ':3: Required property is missing: shell',
  ],
  [
    'an input that our action does not have',
    'w.yml',
    'on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - uses: $/actions/verify\n        with: { cluster: c, database-password: p, mode: plan }\n',
    ":7: Invalid action input 'mode'",
  ],
  [
    'a missing required input of our action',
    'w.yml',
    'on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - uses: $/actions/verify\n        with: { cluster: c }\n',
    ':7: Missing required input `database-password`',
  ],
  [
    'an own action that does not exist',
    'w.yml',
    'on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - uses: $/actions/nowhere\n',
    ':6: Unable to resolve action `$/actions/nowhere`',
  ],
  ['a text that is not YAML', 'w.yml', 'on: [push\njobs', ':2: Flow sequence'],
];

test.each(WRONG)(
  'finds %s',
  (_, file, text, said) => {
    const folder = mkdtempSync(join(tmpdir(), 'workflows-'));
    try {
      const path = join(folder, file);
      writeFileSync(path, text);
      const { status, stdout } = spawnSync('node', [join(root, 'scripts/workflows.mjs'), path], { encoding: 'utf8' });
      expect(status).toBe(1);
      expect(stdout).toContain(`${path}${said}`);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
  30_000,
);
