import type { ManagedDatabase } from '../cluster/cluster.ts';
import type { Failure } from '../engine/errors.ts';
import { valueOf, type Fact } from '../engine/fact.ts';
import { compareVersions } from '../engine/versions.ts';

/** What another image does to the database's files. */
export interface Upgrade {
  /** Version of the running server; '' if unknown. */
  readonly from: string;
  /** Version of the server in the new image; '' if neither the image nor its tag states it. */
  readonly to: string;
  /** `reversible`: the current server can start again on the same files. */
  readonly is: 'reversible' | 'one-way' | 'downgrade';
}

/**
 * From this release line on, MySQL servers can be downgraded within their line (MySQL 8.4 Reference Manual,
 * "Downgrading MySQL"); MariaDB always could.
 */
const REVERSIBLE_SINCE = '8.4';

/**
 * What happens to the files when a server of one version replaces one of another. If a version is unknown, the change
 * counts as irreversible.
 */
export function upgradeOf(running: string, image: string, inImage: Fact<string>): Upgrade {
  const from = numbers(running);
  const to = valueOf(inImage) ?? numbers(image.replace(/@.*$/, '').replace(/^.*:/, ''));
  if (from === '' || to === '') return { from, to, is: 'one-way' };
  const order = compareVersions(line(to), line(from));
  if (order < 0 || (order === 0 && isWhole(to) && compareVersions(to, from) < 0 && !isReversible(running)))
    return { from, to, is: 'downgrade' };
  if (order > 0) return { from, to, is: 'one-way' };
  return {
    from,
    to,
    is: (isWhole(to) && compareVersions(to, from) === 0) || isReversible(running) ? 'reversible' : 'one-way',
  };
}

/** The dotted numbers at the beginning; '' if there are fewer than two. */
const numbers = (text: string): string => /^(?:5\.5\.5-)?(\d+(?:\.\d+)+)/.exec(text)?.[1] ?? '';
const line = (version: string): string => version.split('.').slice(0, 2).join('.');
const isWhole = (version: string): boolean => version.split('.').length > 2;
const isReversible = (running: string): boolean =>
  /mariadb/i.test(running) || compareVersions(running, REVERSIBLE_SINCE) >= 0;

/**
 * Why the database may not be given that image; undefined if it may. `confirmed`: the operator has confirmed an
 * irreversible change.
 */
export function upgradeRefusal(
  database: ManagedDatabase,
  { from, to, is }: Upgrade,
  confirmed: boolean,
): Failure | undefined {
  const { host, container, volume, image, name } = database;
  const versions = `${from || 'an unknown version'} -> ${to || 'an unknown version'}`;
  if (is === 'downgrade') {
    return {
      code: 'database-unfit',
      host,
      what: `${image} contains an older server than the one that wrote the files of ${container}`,
      evidence: versions,
      remedy:
        `Set database.image to an image of ${from} or newer: a MySQL server does not start on the files of a newer ` +
        'one.',
    };
  }
  if (is === 'reversible' || confirmed) return undefined;
  const dump = `mysqldump --single-transaction -u ${database.user} -p ${name} > ${name}.sql`;
  const backup = `docker exec -i ${container} ${dump}`;
  return {
    code: 'database-upgrade-unconfirmed',
    host,
    what: `${image} upgrades the files of the database in volume ${volume}, which cannot be undone`,
    evidence: versions,
    remedy:
      `Make a backup on ${host} (${backup}), then run again with upgrade-database: true. Or set database.image ` +
      'to the current image.',
  };
}
