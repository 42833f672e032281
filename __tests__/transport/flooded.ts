import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { commandsIn, CONTROL } from '../support/obeyed.ts';
import type { Flooded, Flooding } from './flood.ts';

const MOST_KEPT = 8 * 1024 * 1024 + 100;
/** The kept 8 MiB of two outputs as bytes, as text and in the report, and garbage that is not yet collected. */
const MOST_MEMORY = 256 * 1024 * 1024;

/** Makes a host print far too much, and checks that memory is bounded and that none of the output is interpreted when it is reported. */
export function expectHarmless(flooding: Flooding): Flooded {
  const folder = mkdtempSync(join(tmpdir(), 'flood-'));
  const [result, output, page] = ['result', 'output', 'page'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  for (const file of [output, page]) writeFileSync(file, '');
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: process.env['HOME'] ?? '',
    GITHUB_OUTPUT: output,
    GITHUB_STEP_SUMMARY: page,
  };
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'flood.ts'), JSON.stringify(flooding), result],
    { env, encoding: 'utf8', maxBuffer: 1 << 28 },
  );
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const flooded = JSON.parse(readFileSync(result, 'utf8')) as Flooded;
  const [outputs, summary] = [readFileSync(output, 'utf8'), readFileSync(page, 'utf8')];
  rmSync(folder, { recursive: true });
  expect(flooded.ended).toEqual(flooding.floods.map(() => 'exit 3'));
  flooded.kept.forEach((kept) => expect(kept).toBeLessThanOrEqual(MOST_KEPT));
  expect(flooded.after - flooded.before).toBeLessThan(MOST_MEMORY);
  // Our own masks come before anything else is printed, and our one annotation at the end.
  const log = stdout.replace(/^(::add-mask::.*\n)+/, '');
  expect(commandsIn(log)).toEqual(['error']);
  for (const told of [log, outputs, summary])
    expect([CONTROL.test(told), told.length < 2_000_000, commandsIn(told.replace(/^::error .*$/gm, ''))]).toEqual([
      false,
      true,
      [],
    ]);
  for (const [name] of flooding.floods) expect(stdout).toContain(`could not bear ${name}: exit 3`);
  return flooded;
}
