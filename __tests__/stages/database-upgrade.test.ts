import { describe, expect, test } from '@jest/globals';
import { absent, present, unknown, type Fact } from '../../src/engine/fact.ts';
import { upgradeOf, upgradeRefusal, type Upgrade } from '../../src/stages/database-upgrade.ts';
import { MANAGED } from '../support/deployment.ts';

describe('what another image does to the files of the database', () => {
  const cases: readonly [string, string, string, Fact<string>, Upgrade['is']][] = [
    ['the same version', '8.0.40', 'mysql:8.0', present('8.0.40'), 'reversible'],
    ['a newer one of a line that cannot go back', '8.0.40', 'mysql:8.0', present('8.0.41'), 'one-way'],
    ['an older one of such a line', '8.0.40', 'mysql:8.0', present('8.0.39'), 'downgrade'],
    ['a newer one of a line that can go back', '8.4.2', 'mysql:8.4', present('8.4.3'), 'reversible'],
    ['an older one of such a line', '8.4.3', 'mysql:8.4', present('8.4.2'), 'reversible'],
    ['the next line', '8.0.40', 'mysql:8.4', present('8.4.3'), 'one-way'],
    ['the line before', '8.4.3', 'mysql:8.0', present('8.0.40'), 'downgrade'],
    ['a missing image, by its tag: the next line', '8.0.40', 'registry.example/mysql:8.4', absent, 'one-way'],
    ['a missing image, by its tag: the previous line', '8.4.3', 'mysql:8.0', absent, 'downgrade'],
    ['a missing image, by its tag: the same version', '8.0.40', 'mysql:8.0.40', absent, 'reversible'],
    ['a missing image, by its tag: the same line', '8.0.40', 'mirror/mysql:8.0', absent, 'one-way'],
    ['a tag that says nothing', '8.0.40', 'mysql:latest', absent, 'one-way'],
    ['a digest that says nothing', '8.0.40', `mysql@sha256:${'8'.repeat(64)}`, absent, 'one-way'],
    ['a version that could not be read', '8.0.40', 'mysql:lts', unknown('exit 1'), 'one-way'],
    ['a server that does not report its version', '', 'mysql:8.0', present('8.0.40'), 'one-way'],
    ['MariaDB within its line', '5.5.5-10.11.6-MariaDB', 'mariadb:10.11', present('10.11.9'), 'reversible'],
    ['MariaDB of the next line', '10.11.6-MariaDB', 'mariadb:11.4', present('11.4.2'), 'one-way'],
  ];
  test.each(cases)('%s', (_, running, image, inImage, is) => {
    expect(upgradeOf(running, image, inImage).is).toBe(is);
  });

  test('is refused unless it can be undone or was confirmed; an older server always', () => {
    const refusals = (is: Upgrade['is']) =>
      [false, true].map((confirmed) => upgradeRefusal(MANAGED, { from: '8.0.40', to: '8.4.3', is }, confirmed)?.code);
    expect([refusals('reversible'), refusals('one-way'), refusals('downgrade')]).toEqual([
      [undefined, undefined],
      ['database-upgrade-unconfirmed', undefined],
      ['database-unfit', 'database-unfit'],
    ]);
    expect(upgradeRefusal(MANAGED, { from: '8.0.40', to: '', is: 'one-way' }, false)).toMatchObject({
      evidence: '8.0.40 -> an unknown version',
      remedy: expect.stringContaining('upgrade-database: true'),
    });
  });
});
