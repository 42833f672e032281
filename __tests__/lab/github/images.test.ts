import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { parse, stringify } from 'yaml';
import { hosts, paths, registry, reset } from '../../../lab/lab.ts';
import { readable } from '../../../lab/github/workflow.ts';
import { seenOn } from '../deployment/seen.ts';
import { called, freshCaller, outputs, template } from './caller.ts';

freshCaller();

const HOSTS = hosts.slice(0, 3).map(({ name }) => name);
const saved = join(paths.github, 'images-for-artifact');

interface Workflow {
  readonly jobs: { readonly images: { readonly steps: readonly object[] }; readonly deploy: { readonly with: object } };
}

/** The jobs that the page for users shows, in the workflow that it copies; only the archive is made elsewhere. */
function withImages(archive: string): string {
  const page = readFileSync(join(paths.repository, 'docs/getting-started.md'), 'utf8');
  const [, shown = ''] = /```yaml\n(jobs:\n {2}images:[\s\S]*?)```/.exec(page) ?? [];
  const { images, deploy } = (parse(shown) as Workflow).jobs;
  const copied = parse(template('deploy')) as Workflow;
  const [, ...upload] = images.steps;
  return stringify({
    ...copied,
    jobs: {
      images: { ...images, steps: [{ run: `mkdir images; cp ${archive} images/` }, ...upload] },
      deploy: { ...copied.jobs.deploy, ...deploy, with: { ...copied.jobs.deploy.with, ...deploy.with } },
    },
  });
}

beforeAll(async () => {
  mkdirSync(saved, { recursive: true });
  await seenOn('node-01', `docker save nginx:1.26 | gzip -1 >${saved}/nginx.tar.gz`);
  for (const host of HOSTS)
    await seenOn(
      host,
      `docker image rm -f nginx:1.26 nginx:latest; iptables -I OUTPUT -d ${registry.address} -j REJECT`,
    );
}, 60_000);

afterAll(async () => {
  rmSync(saved, { recursive: true, force: true });
  await reset(HOSTS);
}, 60_000);

test('an artifact of the caller provides the missing image to hosts without a registry, to each once, whichever job needs it first', async () => {
  const end = await called(withImages(`${saved}/nginx.tar.gz`), { inputs: { mode: 'apply' }, run: 51 });
  const log = readable(end.log);
  expect([end.code, end.code === 0 ? '' : log]).toEqual([0, '']);
  expect(JSON.parse(outputs(end, 'verify')['verify'] ?? '')).toMatchObject({ healthy: true });
  expect(
    [...log.matchAll(/(node-\d\d) +sending nginx:1\.26 \(nginx\.tar\.gz/g)].map(([, host]) => host).sort(),
  ).toEqual(HOSTS);
  expect(log).not.toContain('pulling ');
}, 400_000);
