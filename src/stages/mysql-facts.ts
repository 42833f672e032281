import type { ManagedDatabase } from '../cluster/cluster.ts';
import type { Deployment } from '../cluster/deployment.ts';
import { absolute, folders } from '../cluster/folders.ts';
import type { Container } from '../docker/containers.ts';
import { image, serverVersion } from '../docker/facts.ts';
import { imageDifference, movedImage } from '../docker/images.ts';
import { pairOf, type ContainerPair } from '../docker/wanted.ts';
import type { Ask } from '../engine/ask.ts';
import { absent, mapFact, valueOf, type Fact } from '../engine/fact.ts';
import { machine, placed, type Placed } from '../host/facts.ts';
import { file } from '../host/files.ts';
import type { PasswordFacts } from './database-passwords.ts';
import { askDatabase, databasePlace, type DatabaseFacts } from './database.ts';
import { hostContainers } from './own-containers.ts';

/** What is known of the database. */
export interface MysqlFacts extends Omit<DatabaseFacts, 'container'>, PasswordFacts {
  /** Its container and a former one, if we run the database. */
  readonly container: Fact<ContainerPair>;
  readonly image: Fact<string>;
  /** Version of the server in the image; queried only if the container was made from another image. */
  readonly newVersion: Fact<string>;
  /** The clock of the database's host, in milliseconds. */
  readonly clock: Fact<number>;
  /** Which of the host's own addresses the database uses; queried only if we run the database. */
  readonly listen: Fact<Placed>;
}

/** Gathers all of it. The version in the new image is queried only if it would replace another image. */
export async function gatherDatabase(ask: Ask, deployment: Deployment): Promise<MysqlFacts> {
  const { cluster } = deployment;
  const { queryHost } = databasePlace(cluster);
  const managed = cluster.database.kind === 'managed' ? cluster.database : undefined;
  const [database, onContainer, onImage, properties, password, rootPassword, listen] = await Promise.all([
    askDatabase(ask, deployment),
    managed ? hostContainers(ask, cluster, queryHost).then((all) => pairOf(all, managed.container)) : absent,
    managed ? ask.ask(queryHost.name, image(managed.image)) : absent,
    ask.ask(queryHost.name, machine),
    managed ? ask.ask(queryHost.name, file(folders(cluster).databasePassword)) : absent,
    managed ? ask.ask(queryHost.name, file(folders(cluster).databaseRootPassword)) : absent,
    managed ? ask.ask(queryHost.name, placed(managed.listen)) : absent,
  ]);
  const changes = managed !== undefined && changesImage(managed, valueOf(onContainer)?.current, onImage);
  const newVersion = changes ? await ask.ask(queryHost.name, serverVersion(managed.image)) : absent;
  const { databasePassword, databaseRootPassword } = folders(cluster);
  const passwordFiles = mapFact(properties, ({ home }) => ({
    user: absolute(home, databasePassword),
    root: absolute(home, databaseRootPassword),
  }));
  return {
    ...database,
    container: onContainer,
    newVersion,
    clock: mapFact(properties, ({ clock }) => clock),
    image: onImage,
    passwordFiles,
    password,
    rootPassword,
    listen,
  };
}

/** Whether the container in use was made from another image than the wanted one. */
export const changesImage = (database: ManagedDatabase, current: Container | undefined, image: Fact<string>): boolean =>
  current !== undefined &&
  (imageDifference(current, database.image, image) !== undefined ||
    movedImage(current, database.image, image) !== undefined);
