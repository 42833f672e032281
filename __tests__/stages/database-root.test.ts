import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { shellLine } from '../../src/engine/command.ts';
import { sha256 } from '../../src/engine/digest.ts';
import { absent, answer, present, unknown, type Fact } from '../../src/engine/fact.ts';
import { Plan } from '../../src/engine/plan.ts';
import { ownPart } from '../../src/engine/part.ts';
import { dataSourceUser } from '../../src/kuscia/data-source.ts';
import { closeRoot, type RootAccess } from '../../src/mysql/root.ts';
import { databaseFailures } from '../../src/stages/database.ts';
import { planClosing, rootWarnings, type ClosingFacts } from '../../src/stages/database-root.ts';
import { clusterOf, deploymentOf, EXTERNAL, MANAGED, PASSWORD } from '../support/deployment.ts';
import { carryOut, ok } from '../support/fake.ts';
import { containerOf, fileOf } from '../support/facts.ts';
import { shown, stepOf } from '../support/plans.ts';
import { says } from '../support/lines.ts';

const KEPT = 'kuscia-swarm/alice/database-password';
const rootBy = (
  login: 'own' | 'given',
  isOpen: boolean,
  knowsUser = true,
  usedFrom: readonly string[] = [],
): Fact<RootAccess> => present({ login, version: '8.0.40', isOpen, knowsUser, usedFrom });
const OPEN = rootBy('given', true);
const MOVED = [present('kuscia'), present('kuscia')];

function plan(
  told: Partial<ClosingFacts> = {},
  before: (plan: Plan) => void = () => undefined,
  database: typeof MANAGED | typeof EXTERNAL = MANAGED,
): Plan {
  const made = new Plan();
  before(made);
  planClosing(made, deploymentOf({ database }), {
    root: OPEN,
    password: fileOf(sha256(PASSWORD)),
    users: MOVED,
    last: 'node-03',
    ...told,
  });
  return made;
}

const CLOSES = 'close root of alice-mysql to all but its own container';
const LATER = `? node-01 ${CLOSES} (after every replica logs in as kuscia)`;
const PERHAPS = `? node-01 ${CLOSES} (if an earlier version created the database)`;
const busy = (made: Plan): void =>
  void made.steps.push({ host: 'node-02', change: '~', ...says('restart', 'x'), apply: () => Promise.resolve() });

describe('root of the database is closed', () => {
  test.each<[string, Partial<ClosingFacts>, readonly string[]]>([
    [
      'once every replica has left it',
      {},
      [`~ node-01 ${CLOSES} (it accepts the password of kuscia from any host, with all rights)`],
    ],
    [
      'if it has accounts that can log in from other hosts',
      { root: rootBy('own', true) },
      [`~ node-01 ${CLOSES} (it has accounts that can log in from other hosts)`],
    ],
    ['not while a replica still is root', { users: [present('kuscia'), present('root')] }, [LATER]],
    ['not while the user of a replica is unknown', { users: [present('kuscia'), unknown('exit 1')] }, [LATER]],
    ['not before a replica has a configuration', { users: [absent, absent] }, [LATER]],
    ['not again', { root: rootBy('own', false) }, []],
    ['not if nobody here can log in as root', { root: present({ login: 'refused' }) }, []],
    [
      'perhaps, once the working password is back in its file',
      { root: present({ login: 'refused' }), password: fileOf(sha256('by hand')) },
      [PERHAPS],
    ],
    ['perhaps, once the database answers', { root: unknown('exit 1') }, [PERHAPS]],
  ])('%s', (_, told, lines) => {
    expect(shown(plan(told))).toEqual(lines);
  });

  test('not while the stage has anything else to do or to wait for', () => {
    expect(shown(plan({}, busy)).at(-1)).toBe(LATER);
    expect(
      shown(
        plan({}, (made) =>
          made.awaited.push({
            host: 'node-02',
            ...says('it works', 'x'),
            failure: { code: 'replica-unhealthy', what: 'x', remedy: 'y' },
          }),
        ),
      ),
    ).toContain(LATER);
  });

  test('not while something else is logged in as root, which is reported', () => {
    const made = plan({ root: rootBy('own', true, true, ['10.0.0.9', '10.0.0.14']) });
    expect([shown(made), made.warnings]).toMatchObject([
      [expect.stringContaining('database-root')],
      [{ code: 'database-root', host: 'node-01', evidence: 'logged in as root from 10.0.0.9, 10.0.0.14' }],
    ]);
    const before = plan({
      root: rootBy('given', true, true, ['10.77.0.12']),
      users: [present('kuscia'), present('root')],
    });
    expect([shown(before), before.warnings]).toEqual([[LATER], []]);
  });

  test('not of an external database', () => {
    expect(shown(plan({}, undefined, EXTERNAL))).toEqual([]);
  });

  test.each<[string, string | undefined, string, boolean]>([
    ["in the last replica's job, if that reaches the database", 'node-03', 'node-03', true],
    ["in no other replica's", 'node-03', 'node-02', false],
    ["in the database's host's own, where only that reaches it", undefined, 'node-01', true],
    ['in none that does not reach it', undefined, 'node-03', false],
  ])('%s', (_, last, job, does) => {
    expect(ownPart(plan({ last }), new Set([job]), undefined).steps).toHaveLength(does ? 1 : 0);
  });

  test('by the root that can log in', async () => {
    const { ran } = await carryOut(stepOf(plan(), 'close root'), [ok('node-01', closeRoot(MANAGED, 'given', KEPT))]);
    expect(ran.map(({ line }) => line)).toEqual([shellLine(closeRoot(MANAGED, 'given', KEPT))]);
  });
});

describe('verify', () => {
  const refused = {
    container: present(containerOf('alice-mysql')),
    inUse: absent,
    state: present({ login: 'refused', said: 'ERROR 1045' } as const),
    reached: [],
  };

  test('reports a cluster created by an earlier version as such, not as a wrong password', () => {
    expect(databaseFailures(clusterOf(), { ...refused, root: rootBy('given', true, false) })).toMatchObject([
      {
        code: 'database-root',
        host: 'node-01',
        what: expect.stringContaining('its user kuscia does not exist yet'),
        remedy: expect.stringContaining('mode: apply'),
      },
    ]);
    for (const root of [OPEN, present({ login: 'refused' } as const), unknown('exit 1')])
      expect(databaseFailures(clusterOf(), { ...refused, root })).toMatchObject([{ code: 'database-login-refused' }]);
  });

  test('warns while root is open', () => {
    expect(
      [OPEN, rootBy('own', true), rootBy('own', false), unknown('x')].map(
        (root) => rootWarnings(clusterOf(), root).length,
      ),
    ).toEqual([1, 1, 0, 0]);
    expect(rootWarnings(clusterOf({ database: EXTERNAL }), absent)).toEqual([]);
  });
});

describe('only the user of the data source is read from a configuration', () => {
  test.each([
    ['datastoreEndpoint: "mysql://root:p@ss:w/rd@tcp(10.0.0.1:3306)/kine"', 'root'],
    ['datastoreEndpoint: mysql://kuscia:p@tcp(h:1)/k', 'kuscia'],
    ["datastoreEndpoint: 'mysql://k.u-s_c:p@tcp(h:1)/k'", 'k.u-s_c'],
    ['datastoreEndpoint: ""', ''],
    ['other: mysql://root:p@h', ''],
  ])('%s', (line, user) => {
    const folder = mkdtempSync(join(tmpdir(), 'data-source-'));
    writeFileSync(join(folder, 'kuscia.yaml'), `mode: autonomy\n${line}\n`);
    const { command } = dataSourceUser(join(folder, 'kuscia.yaml'));
    const { stdout, status } = spawnSync(command.program, command.args, { encoding: 'utf8' });
    rmSync(folder, { recursive: true });
    expect(stdout).not.toContain('p@');
    expect(answer(dataSourceUser('f'), { ended: 'exited', code: status ?? 1, stdout, stderr: '' })).toEqual(
      present(user),
    );
  });

  test.each(['absent\n', 'end\n', '', 'user=root\n'])('%j', (stdout) => {
    expect(answer(dataSourceUser('f'), { ended: 'exited', code: 0, stdout, stderr: '' })).toMatchObject(
      stdout === 'absent\n' ? absent : stdout === 'end\n' ? present('') : { is: 'unknown' },
    );
  });
});
