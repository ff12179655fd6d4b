/** RegionDescription: what an owner says of a shared region. Nothing of it is believed. */
import type { BufferAccess } from '../../core/shared-memory.js';
import { accessNumber, regionMagic, regionVersion } from './region-layout.js';
import { tokenBytes } from './region.js';

export const regionDescriptionBytes = 48;

const Offset = { Magic: 0, Version: 4, Access: 8, Pid: 12, Notice: 16, Tally: 20, Length: 24 };
const tokenOffset = 32;

export interface RegionDescription {
  readonly access: BufferAccess;
  /** The process that the owner says it is. */
  readonly pid: number;
  /** Numbers of the descriptors in that process. */
  readonly notice: number;
  readonly tally: number;
  readonly byteLength: number;
  /** 16 bytes. */
  readonly token: Uint8Array;
}

export function encodeDescription(description: RegionDescription): Uint8Array {
  const bytes = new Uint8Array(regionDescriptionBytes);
  const view = new DataView(bytes.buffer);
  view.setInt32(Offset.Magic, regionMagic, true);
  view.setUint32(Offset.Version, regionVersion, true);
  view.setUint32(Offset.Access, accessNumber[description.access], true);
  view.setUint32(Offset.Pid, description.pid, true);
  view.setUint32(Offset.Notice, description.notice, true);
  view.setUint32(Offset.Tally, description.tally, true);
  view.setFloat64(Offset.Length, description.byteLength, true);
  bytes.set(description.token, tokenOffset);
  return bytes;
}

/** A private copy of what is said, or undefined if it is another language. */
export function decodeDescription(bytes: Uint8Array): RegionDescription | undefined {
  if (bytes.byteLength !== regionDescriptionBytes) return undefined;
  // Copied first, for whoever gave it may write it still.
  const own = bytes.slice();
  const view = new DataView(own.buffer);
  if (view.getInt32(Offset.Magic, true) !== regionMagic) return undefined;
  if (view.getUint32(Offset.Version, true) !== regionVersion) return undefined;
  const access = accessOf(view.getUint32(Offset.Access, true));
  if (access === undefined) return undefined;
  return {
    access,
    pid: view.getUint32(Offset.Pid, true),
    notice: view.getUint32(Offset.Notice, true),
    tally: view.getUint32(Offset.Tally, true),
    byteLength: view.getFloat64(Offset.Length, true),
    token: own.subarray(tokenOffset, tokenOffset + tokenBytes),
  };
}

function accessOf(number: number): BufferAccess | undefined {
  const accesses: readonly BufferAccess[] = ['read', 'write', 'readWrite'];
  return accesses.find((access) => accessNumber[access] === number);
}
