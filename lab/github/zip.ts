import { crc32, inflateRawSync } from 'node:zlib';

/** The files in a zip archive, by name. Throws if it is not one. Source: PKWARE APPNOTE 4.3. */
export function unzipped(archive: Buffer): Map<string, Buffer> {
  const end = archive.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'));
  if (end < 0) throw new Error('not a zip archive');
  const files = new Map<string, Buffer>();
  let at = archive.readUInt32LE(end + 16);
  for (let left = archive.readUInt16LE(end + 10); left > 0; left -= 1) {
    const [method, size, nameLength, extraLength, commentLength] = [
      archive.readUInt16LE(at + 10),
      archive.readUInt32LE(at + 20),
      archive.readUInt16LE(at + 28),
      archive.readUInt16LE(at + 30),
      archive.readUInt16LE(at + 32),
    ];
    const local = archive.readUInt32LE(at + 42);
    const start = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28);
    const packed = archive.subarray(start, start + size);
    files.set(
      archive.subarray(at + 46, at + 46 + nameLength).toString(),
      method === 0 ? packed : inflateRawSync(packed),
    );
    at += 46 + nameLength + extraLength + commentLength;
  }
  return files;
}

/** A zip archive of these files, not compressed. Source: PKWARE APPNOTE 4.3. */
export function zipped(files: ReadonlyMap<string, Buffer>): Buffer {
  const [locals, centrals]: [Buffer[], Buffer[]] = [[], []];
  let at = 0;
  for (const [name, content] of files) {
    // The fields shared by the header of the file and its directory entry: version 2.0, no flags, stored, 1 January 1980.
    const common = Buffer.alloc(26);
    for (const [offset, value] of [
      [0, 20],
      [8, 0x21],
      [22, Buffer.byteLength(name)],
    ] as const)
      common.writeUInt16LE(value, offset);
    for (const [offset, value] of [
      [10, crc32(content)],
      [14, content.length],
      [18, content.length],
    ] as const)
      common.writeUInt32LE(value, offset);
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), common, Buffer.from(name), content]);
    const central = Buffer.concat([
      Buffer.from('PK\x01\x02\x14\x00', 'latin1'),
      common,
      Buffer.alloc(14),
      Buffer.from(name),
    ]);
    central.writeUInt32LE(at, 42);
    at += local.length;
    locals.push(local);
    centrals.push(central);
  }
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  for (const offset of [8, 10]) end.writeUInt16LE(files.size, offset);
  end.writeUInt32LE(Buffer.concat(centrals).length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...locals, ...centrals, end]);
}
