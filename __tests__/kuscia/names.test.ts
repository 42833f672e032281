import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import fc from '../support/random.ts';
import { absent, answer, present } from '../../src/engine/fact.ts';
import { machine } from '../../src/host/facts.ts';
import { isReplicaName, replicaContainer, replicaName } from '../../src/kuscia/names.ts';
import { planPreflight } from '../../src/stages/preflight.ts';
import { Masks } from '../../src/report/mask.ts';
import { clusterOf } from '../support/deployment.ts';
import { BRIDGE, engineOutside, GIB, machineOf, NOW, setupOf } from '../support/facts.ts';
import { commandsIn, CONTROL } from '../support/obeyed.ts';
import { word } from '../support/words.ts';

const script = readFileSync(
  new URL('../../lab/images/kuscia/rootfs/home/kuscia/scripts/deploy/kuscia.sh', import.meta.url),
  'utf8',
);
const generate = /^generate_hostname\(\) \{\n[^]*?^\}\n/m.exec(script)?.[0] ?? '';

/** What kuscia.sh makes of containers and hostnames, in one bash. */
function generated(pairs: readonly (readonly [string, string])[], folder: string): string[] {
  const text = `${generate}hostname() { printf '%s\\n' "$now"; }\nwhile IFS= read -r -d '' CTR && IFS= read -r -d '' now; do generate_hostname; printf '\\0'; done`;
  const said = execFileSync('bash', ['--norc', '-c', text], {
    input: pairs.map(([ctr, host]) => `${ctr}\0${host}\0`).join(''),
    encoding: 'utf8',
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C' },
    maxBuffer: 1 << 26,
  });
  return said.split('\n\0').slice(0, -1);
}

const usual = fc.string({ unit: fc.constantFrom(...'abcXYZ019-_.'), minLength: 1, maxLength: 64 });
const ascii = fc
  .string({
    unit: fc.constantFrom(
      ...Array.from({ length: 126 }, (_, i) => String.fromCharCode(i + 1)),
      '$(touch escaped)',
      '`touch escaped`',
    ),
    minLength: 1,
    maxLength: 80,
  })
  .map((text) => text.replaceAll('\n', ''));
const hostname = fc
  .oneof({ weight: 3, arbitrary: usual }, { weight: 1, arbitrary: ascii })
  .filter((name) => name !== '');
const user = fc.oneof(
  fc.constantFrom('root', 'deploy', '_svc', 'a.b', 'x'.repeat(32)),
  usual.map((text) => text.slice(0, 32)),
);
const domain = fc.constantFrom('alice', 'a', 'd'.repeat(20));
/** Any text from a host, which must be reported and not executed. */
const anything = fc
  .oneof(
    word,
    fc.constantFrom(
      '::error::x',
      '::set-output name=changed::9',
      '\x1b[2J',
      '\x1b]0;t\x07',
      '##[group]x',
      'n'.repeat(100_000),
      '--privileged',
      '../..',
      "x' || true",
      '<img src=x>',
      '\u202egnp',
      'é',
      '.',
      '-',
      '_',
      '名',
      '{{.}}',
    ),
  )
  .map((text) => text.replace(/\n/g, ' '))
  .filter((text) => text !== '');

test('a replica has the name that kuscia.sh gives it, on thousands of hosts, and no host name is executed', () => {
  const folder = mkdtempSync(join(tmpdir(), 'names-'));
  let [names, valid] = [0, 0];
  fc.assert(
    fc.property(
      fc.array(fc.tuple(user, domain, hostname), { minLength: 300, maxLength: 300, size: 'max' }),
      (hosts) => {
        const pairs = hosts.map(
          ([login, id, host]) => [replicaContainer(clusterOf({ domain: id }), login), host] as const,
        );
        const ours = pairs.map(([ctr, host]) => replicaName(ctr, host));
        expect(ours).toEqual(generated(pairs, folder));
        names += ours.length;
        valid += ours.filter(isReplicaName).length;
      },
    ),
    { numRuns: 10, endOnFailure: true },
  );
  expect([names, readdirSync(folder)]).toEqual([3_000, []]);
  expect(valid).toBeGreaterThan(1_000);
  rmSync(folder, { recursive: true });
}, 60_000);

test('whatever a host is called, its replica has a name that Kuscia accepts, or preflight refuses the host with a harmless message', () => {
  const cluster = clusterOf();
  fc.assert(
    fc.property(anything, fc.oneof(fc.constant('root'), anything), (called, login) => {
      const told = answer(machine, {
        ended: 'exited',
        code: 0,
        stderr: '',
        stdout: `user=${login}\nhome=/root\nhostname=${called}\nmachineId=m\narch=x86_64\nkernel=6.1\nmemory=16777216\nptrace=1\nclock=${NOW}\n`,
      });
      if (told.is !== 'present') throw new Error(told.is);
      expect([told.value.hostname, told.value.user]).toEqual([called, login]);
      const hosts = cluster.hosts.map((host, i) => ({
        host,
        setup: present(setupOf()),
        networks: present([BRIDGE]),
        others: present([]),
        machine: i === 1 ? present({ ...machineOf(host), hostname: called, user: login }) : present(machineOf(host)),
        engine: present(engineOutside()),
        published: present(new Map()),
        restarted: present(new Map()),
        disk: present({ free: 50 * GIB, size: 100 * GIB }),
        asked: [NOW - 10, NOW + 10] as const,
      }));
      const plan = planPreflight(cluster, { hosts, nodes: absent });
      const name = replicaName(replicaContainer(cluster, login), called);
      if (isReplicaName(name)) expect(name).toMatch(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/);
      else
        expect(plan.failures).toContainEqual(
          expect.objectContaining({
            code: 'host-unfit',
            host: 'node-02',
            what: expect.stringContaining('Kubernetes does not accept'),
          }),
        );
      expect(name.length).toBeLessThanOrEqual(63);
      const shown = new Masks()
        .cleaned(plan.failures)
        .map(({ what, evidence }) => `${what}\n${evidence}`)
        .join('\n');
      expect([commandsIn(shown), CONTROL.test(shown), shown.length < 50_000]).toEqual([[], false, true]);
    }),
    { numRuns: 2_000 },
  );
});

test.each([
  ['a', true],
  ['root-kuscia-autonomy-alice-node-01', true],
  ['a'.repeat(63), true],
  ['a'.repeat(64), false],
  ['', false],
  ['-a', false],
  ['a-', false],
  ['A', false],
  ['a_b', false],
  ['a.b', false],
  ['a b', false],
  ['é', false],
  ['a\n', false],
])('%j is a name that Kuscia accepts: %s', (name, valid) => {
  expect(isReplicaName(name)).toBe(valid);
});
