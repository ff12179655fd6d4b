/** Introduction: the first thing that each side says over the wire. Nothing of it is believed. */
import { magic } from './ring-layout.js';
import { tokenBytes, type MemoryAnnouncement } from './region.js';

/** How the peer's memory is reached; both sides have to use the same kind. */
export const MemoryKind = {
  /** Mapped pages, through a descriptor. */
  Mapped: 1,
  /** A SharedArrayBuffer, between threads of one process. */
  Shared: 2,
} as const;
export type MemoryKind = (typeof MemoryKind)[keyof typeof MemoryKind];

export const introductionBytes = 48;
/** Changes with the meaning of what is said over the wire. */
const wireVersion = 1;

const Offset = { Magic: 0, Version: 4, Kind: 8, Descriptor: 12, Pid: 16, Ring: 20, Memory: 24 };
const tokenOffset = 28;

export interface Introduction extends MemoryAnnouncement {
  readonly kind: MemoryKind;
  /** The number of the memory's descriptor in the speaker's process; 0 if there is none. */
  readonly descriptor: number;
  /** The process that the speaker says it is. */
  readonly pid: number;
}

export function encodeIntroduction(introduction: Introduction): Uint8Array {
  const bytes = new Uint8Array(introductionBytes);
  const view = new DataView(bytes.buffer);
  view.setInt32(Offset.Magic, magic, true);
  view.setUint32(Offset.Version, wireVersion, true);
  view.setUint32(Offset.Kind, introduction.kind, true);
  view.setUint32(Offset.Descriptor, introduction.descriptor, true);
  view.setUint32(Offset.Pid, introduction.pid, true);
  view.setUint32(Offset.Ring, introduction.ringBytes, true);
  view.setUint32(Offset.Memory, introduction.byteLength, true);
  bytes.set(introduction.token, tokenOffset);
  return bytes;
}

/** What the peer says, or undefined if it speaks another language. */
export function decodeIntroduction(bytes: Uint8Array): Introduction | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, introductionBytes);
  if (view.getInt32(Offset.Magic, true) !== magic) return undefined;
  if (view.getUint32(Offset.Version, true) !== wireVersion) return undefined;
  const kind = view.getUint32(Offset.Kind, true);
  if (kind !== MemoryKind.Mapped && kind !== MemoryKind.Shared) return undefined;
  return {
    kind,
    descriptor: view.getUint32(Offset.Descriptor, true),
    pid: view.getUint32(Offset.Pid, true),
    ringBytes: view.getUint32(Offset.Ring, true),
    byteLength: view.getUint32(Offset.Memory, true),
    token: bytes.slice(tokenOffset, tokenOffset + tokenBytes),
  };
}
