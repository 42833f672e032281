import { beforeAll } from '@jest/globals';
import { hosts, reset, up } from '../../../lab/lab.ts';

/** Gives the tests of a file hosts node-01 to node-`count`, fresh as after an installation, with all images. The first ever `up` builds for minutes. */
export function freshHosts(count: number): void {
  beforeAll(async () => {
    await up(count);
    await reset(
      hosts.slice(0, count).map(({ name }) => name),
      { bare: false },
    );
  }, 600_000);
}
