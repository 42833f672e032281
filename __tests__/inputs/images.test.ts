import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from '../support/random.ts';
import { localName } from '../../src/docker/names.ts';
import { failuresOf } from '../../src/engine/errors.ts';
import { readImages } from '../../src/inputs/images.ts';
import { configOf, filesOf, manifestOf, sha256, writeTar, type Saved } from '../support/archives.ts';

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'images-'))));
afterEach(() => rmSync(folder, { recursive: true }));

const never = new AbortController().signal;
const put = (file: string, ...args: Parameters<typeof filesOf>): void => writeTar(join(folder, file), filesOf(...args));
const read = (images = folder) => readImages({ INPUT_IMAGES: images, GITHUB_WORKSPACE: folder }, never);
const faults = async (images?: string): Promise<string[]> =>
  (await read(images)).failures.map(({ code, what }) => `${code} ${what.replace(folder, 'FOLDER')}`);

const NGINX: Saved = { tags: ['nginx:1.26'], content: 'nginx' };
const MYSQL: Saved = { tags: ['mysql:8.0'], content: 'mysql' };
const idOf = (saved: Saved): string => `sha256:${sha256(configOf(saved))}`;
const manifestIdOf = (saved: Saved): string => `sha256:${sha256(manifestOf(saved))}`;

describe('a folder of archives', () => {
  test('that is not given has no archives', async () => {
    expect(await readImages({ INPUT_IMAGES: ' ' }, never)).toEqual({ failures: [] });
  });

  test('lists each image under all names that a host may use', async () => {
    put('nginx.tar', [NGINX]);
    put('mysql.tar.gz', [MYSQL], 'plain');
    put('both.tgz', [
      { tags: ['docker.io/library/a', 'registry.lab:5000/b/c:1'], content: 'a' },
      { tags: ['me/d:2'], content: 'd' },
    ]);
    writeFileSync(join(folder, 'README.md'), 'not an archive');
    const { archives = [], failures } = await read();
    expect(failures).toEqual([]);
    expect(archives.map(({ file }) => file)).toEqual(
      ['both.tgz', 'mysql.tar.gz', 'nginx.tar'].map((name) => join(folder, name)),
    );
    for (const { file, bytes } of archives) expect(bytes).toBe(readFileSync(file).length);
    expect(archives[2]?.images).toEqual([{ name: 'nginx:1.26', ids: [idOf(NGINX), manifestIdOf(NGINX)] }]);
    expect(archives[1]?.images).toEqual([
      { name: 'mysql:8.0', ids: [idOf(MYSQL)], layers: [`sha256:${sha256('mysql')}`] },
    ]);
    expect(archives[0]?.images.map(({ name }) => name)).toEqual(['a:latest', 'registry.lab:5000/b/c:1', 'me/d:2']);
  });

  test('is relative to the workspace', async () => {
    put('nginx.tar', [NGINX]);
    expect((await read('.')).archives).toHaveLength(1);
  });

  test('may contain one image twice', async () => {
    put('a.tar', [NGINX]);
    put('b.tar', [MYSQL, NGINX], 'plain');
    expect(await faults()).toEqual([]);
  });

  test('may have been packed again by hand', async () => {
    writeTar(
      join(folder, 'a.tar'),
      Object.fromEntries(Object.entries(filesOf([NGINX])).map(([name, content]) => [`./${name}`, content])),
    );
    expect((await read()).archives?.[0]?.images).toHaveLength(1);
  });
});

describe('a fault is reported with its file', () => {
  const cases: readonly [string, () => void, string][] = [
    [
      'an empty folder',
      () => writeFileSync(join(folder, 'image.zip'), ''),
      'names a directory without image archives (*.tar, *.tar.gz, *.tgz): "FOLDER"',
    ],
    [
      'not a tar archive',
      () => writeFileSync(join(folder, 'a.tar'), 'x'.repeat(2000)),
      'contains "a.tar", which cannot be read: TAR_ENTRY_INVALID: checksum failure',
    ],
    ['not a gzip archive', () => writeFileSync(join(folder, 'a.tgz'), ''), 'contains "a.tgz", which'],
    [
      'another kind of tar',
      () => writeTar(join(folder, 'a.tar'), { 'etc/passwd': 'root' }),
      'contains "a.tar", which was not written by docker save: manifest.json is missing',
    ],
    [
      'an invalid list',
      () => writeTar(join(folder, 'a.tar'), { ...filesOf([NGINX]), 'manifest.json': '{}' }),
      'contains "a.tar", which cannot be read: manifest.json does not have the format of docker save',
    ],
    [
      'an image without a name',
      () => put('a.tar', [{ tags: null, content: 'a' }]),
      'contains "a.tar", whose images have no name: save images by name and tag, not by id',
    ],
    [
      'a missing configuration',
      () => writeTar(join(folder, 'a.tar'), { 'manifest.json': filesOf([NGINX])['manifest.json'] ?? '' }),
      'contains "a.tar", which lacks the configuration of nginx:1.26',
    ],
    [
      'a missing layer',
      () =>
        writeTar(
          join(folder, 'a.tar'),
          Object.fromEntries(Object.entries(filesOf([NGINX])).filter(([name]) => !name.includes(sha256('nginx')))),
        ),
      'contains "a.tar", which lacks a layer of nginx:1.26',
    ],
    [
      'another image under the digest',
      () =>
        writeTar(join(folder, 'a.tar'), {
          ...filesOf([NGINX]),
          [`blobs/sha256/${sha256(configOf(NGINX))}`]: configOf(MYSQL),
        }),
      'contains "a.tar", in which the configuration of nginx:1.26 does not match its digest',
    ],
    [
      'two images with the same name',
      () => {
        put('a.tar', [NGINX]);
        put('b.tar', [{ ...MYSQL, tags: ['docker.io/library/nginx:1.26'] }]);
      },
      `contains two different images named nginx:1.26: ${idOf(NGINX)} in "a.tar" and ${idOf(MYSQL)} in "b.tar"`,
    ],
  ];
  test.each(cases)('%s', async (_, spoil, fault) => {
    spoil();
    expect(await faults()).toEqual([expect.stringContaining(`input-invalid input images ${fault}`)]);
  });

  test('a folder that does not exist', async () => {
    expect(await faults('nowhere')).toEqual([
      'input-invalid input images names a directory that cannot be read: "nowhere" (ENOENT)',
    ]);
  });

  test('a file in place of the folder', async () => {
    put('a.tar', [NGINX]);
    expect(await faults('a.tar')).toEqual([
      'input-invalid input images names a directory that cannot be read: "a.tar" (ENOTDIR)',
    ]);
  });

  test('all faults at once', async () => {
    put('a.tar', [NGINX]);
    put('b.tar', [{ tags: [], content: 'b' }]);
    writeFileSync(join(folder, 'c.tar'), 'x'.repeat(2000));
    put('d.tar', [{ ...MYSQL, tags: ['nginx:1.26'] }]);
    expect((await faults()).map((fault) => /"\w\.tar"/.exec(fault)?.[0])).toEqual(['"b.tar"', '"c.tar"', '"a.tar"']);
  });

  test.each([
    ['a.tar', 'last'],
    ['a.tgz', 'last'],
    ['a.tar', 'first'],
  ])('%s truncated anywhere, with its list %s', async (file, list) => {
    const files = Object.entries(filesOf([NGINX, MYSQL]));
    writeTar(join(folder, file), Object.fromEntries(list === 'last' ? files : files.reverse()));
    const whole = readFileSync(join(folder, file));
    // A tar file ends with at least 1024 bytes that say nothing.
    const most = file.endsWith('gz') ? whole.length - 1 : whole.lastIndexOf('}') + 1;
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: most - 1 }), async (length) => {
        writeFileSync(join(folder, file), whole);
        truncateSync(join(folder, file), length);
        // Cut between two of its files it is an archive all the same, that lacks the rest.
        expect(await faults()).toEqual([expect.stringMatching(`contains "${file.replace('.', '\\.')}", (in )?which`)]);
      }),
      { numRuns: 60, examples: [1024, 1536, 2048].map((length) => [Math.min(length, most - 1)]) },
    );
  });

  test('reading ends when the run is cancelled', async () => {
    put('a.tar', [NGINX]);
    const thrown = await readImages({ INPUT_IMAGES: folder }, AbortSignal.abort()).catch((error: unknown) => error);
    expect(failuresOf(thrown)).toMatchObject([{ code: 'cancelled' }]);
  });
});

describe('the name of an image', () => {
  const part = fc.stringMatching(/^[a-z0-9]{1,8}$/);
  const tag = fc.option(fc.stringMatching(/^[\w][\w.-]{0,8}$/), { nil: undefined });

  test('is the same, however it is written', () => {
    fc.assert(
      fc.property(part, tag, (name, tag) => {
        const tagged = tag === undefined ? name : `${name}:${tag}`;
        for (const before of ['', 'library/', 'docker.io/', 'docker.io/library/', 'index.docker.io/library/'])
          expect(localName(`${before}${tagged}`)).toBe(`${name}:${tag ?? 'latest'}`);
      }),
    );
  });

  test('differs in another registry or under another owner, and is its own normal form', () => {
    fc.assert(
      fc.property(
        part,
        part,
        tag,
        fc.constantFrom('r.example.org/', 'localhost:5000/', 'me/'),
        (owner, name, tag, before) => {
          const whole = localName(`${before}${owner}/${name}${tag === undefined ? '' : `:${tag}`}`);
          expect(whole).toBe(`${before}${owner}/${name}:${tag ?? 'latest'}`);
          expect(localName(whole)).toBe(whole);
        },
      ),
    );
  });
});
