/** What the guest's kernel boots into: an archive of files in the format `newc` of cpio. */

export interface ArchiveFile {
  readonly name: string;
  readonly mode: number;
  readonly data: Uint8Array;
}

export const folderMode = 0o040755;
export const programMode = 0o100755;
const trailer = 'TRAILER!!!';

/** Folders come before what is in them. */
export function makeArchive(files: readonly ArchiveFile[]): Buffer {
  const end = { name: trailer, mode: 0, data: new Uint8Array() };
  return Buffer.concat([...files, end].flatMap((file, index) => makeEntry(file, index + 1)));
}

function makeEntry({ name, mode, data }: ArchiveFile, inode: number): Uint8Array[] {
  const nameBytes = Buffer.from(`${name}\0`);
  // Inode, mode, owner, group, links, time, length, four numbers of devices, name, checksum.
  const fields = [inode, mode, 0, 0, 1, 0, data.byteLength, 0, 0, 0, 0, nameBytes.byteLength, 0];
  const digits = fields.map((field) => field.toString(16).padStart(8, '0')).join('');
  const head = Buffer.concat([Buffer.from(`070701${digits}`), nameBytes]);
  return [pad(head), pad(data)];
}

/** Everything begins at a multiple of 4. */
function pad(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.byteLength % 4)) % 4)]);
}
