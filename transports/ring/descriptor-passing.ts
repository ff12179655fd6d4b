/**
 * Passes one descriptor over a Unix socket, beside some bytes, and takes exactly one.
 *
 * It is the way to a peer's memory where `/proc` shows none: under another user, or in another pid
 * namespace. The peer may pass as many as the kernel lets it; whatever is not the one expected
 * descriptor is closed at once. Used before the socket is handed to the event loop.
 */
import { assert } from '../../core/assert.js';
import { Fault } from '../../core/transport.js';
import { descriptorRights, ErrorNumber, MessageFlag, type Native, socketLevel } from './native.js';
import { socketFault } from './system-fault.js';

/** Offsets in C's `msghdr`, `iovec` and `cmsghdr`, equal on x64 and arm64. */
const header = { vector: 16, vectorCount: 24, control: 32, controlBytes: 40, flags: 48, bytes: 56 };
const vectorBytes = 16;
const controlHeader = { byteLength: 0, level: 8, type: 12, bytes: 16 };
const descriptorBytes = 4;

/** The kernel passes 253 descriptors at once at most: room for all, so that all can be closed. */
const controlBytesMax = 2048;

/** What came: the bytes that the message put into the target, and its descriptor; -1 if none. */
export interface PassedDescriptor {
  /** -1 if none came, where that is allowed. */
  readonly descriptor: number;
  readonly byteLength: number;
}

/**
 * Sends `payload`, one byte at least, with the descriptor beside its first byte. Answers the bytes
 * that went; `later` if none did. The descriptor stays the caller's.
 */
export function sendDescriptor(
  native: Native,
  socket: number,
  descriptor: number,
  payload: Uint8Array,
): number | 'later' | Fault {
  assert(payload.byteLength > 0, 'a descriptor travels beside a byte', 'BAD_ARGUMENT');
  const control = new DataView(new ArrayBuffer(24));
  control.setBigUint64(
    controlHeader.byteLength,
    BigInt(controlHeader.bytes + descriptorBytes),
    true,
  );
  control.setInt32(controlHeader.level, socketLevel, true);
  control.setInt32(controlHeader.type, descriptorRights, true);
  control.setInt32(controlHeader.bytes, descriptor, true);
  const parts = new MessageParts(native, payload, control);
  const sent = native.sendMessage(socket, parts.header);
  parts.keep();
  if (sent === -ErrorNumber.EAGAIN) return 'later';
  return sent < 0 ? socketFault(sent) : sent;
}

/**
 * Receives into `target`. `Closed`: the peer has. `Corrupt`: more or fewer descriptors came than
 * expected; all that did are closed.
 */
export function receiveDescriptor(
  native: Native,
  socket: number,
  target: Uint8Array,
  expected: 'one' | 'atMostOne' = 'one',
): PassedDescriptor | 'later' | Fault {
  assert(target.byteLength > 0, 'a descriptor travels beside a byte', 'BAD_ARGUMENT');
  const control = new DataView(new ArrayBuffer(controlBytesMax));
  const parts = new MessageParts(native, target, control);
  const byteLength = native.receiveMessage(socket, parts.header);
  parts.keep();
  if (byteLength === -ErrorNumber.EAGAIN) return 'later';
  if (byteLength < 0) return socketFault(byteLength);
  const descriptors = descriptorsIn(control, parts.controlBytes);
  const [descriptor = -1] = descriptors;
  const isCount = descriptors.length === 1 || (descriptors.length === 0 && expected !== 'one');
  if (byteLength > 0 && isCount && !parts.isCut) return { descriptor, byteLength };
  for (const unwanted of descriptors) native.close(unwanted);
  return byteLength === 0 && descriptors.length === 0 ? Fault.Closed : Fault.Corrupt;
}

function descriptorsIn(control: DataView, controlBytes: number): number[] {
  const descriptors: number[] = [];
  let offset = 0;
  while (offset + controlHeader.bytes <= controlBytes) {
    const byteLength = Number(control.getBigUint64(offset + controlHeader.byteLength, true));
    if (byteLength < controlHeader.bytes) break;
    const end = Math.min(offset + byteLength, controlBytes);
    const level = control.getInt32(offset + controlHeader.level, true);
    const type = control.getInt32(offset + controlHeader.type, true);
    if (level === socketLevel && type === descriptorRights) {
      let position = offset + controlHeader.bytes;
      for (; position + descriptorBytes <= end; position += descriptorBytes) {
        descriptors.push(control.getInt32(position, true));
      }
    }
    offset += (byteLength + 7) & ~7;
  }
  return descriptors;
}

/** A C `msghdr` over one run of bytes and one of control data. */
class MessageParts {
  readonly header = new Uint8Array(new ArrayBuffer(header.bytes));
  readonly #fields = new DataView(this.header.buffer);
  readonly #vector = new DataView(new ArrayBuffer(vectorBytes));
  readonly #payload: Uint8Array;
  readonly #control: DataView;

  constructor(native: Native, payload: Uint8Array, control: DataView) {
    this.#payload = payload;
    this.#control = control;
    this.#vector.setBigUint64(0, native.addressOf(payload), true);
    this.#vector.setBigUint64(8, BigInt(payload.byteLength), true);
    const vector = native.addressOf(new Uint8Array(this.#vector.buffer));
    const controlAddress = native.addressOf(new Uint8Array(control.buffer));
    this.#fields.setBigUint64(header.vector, vector, true);
    this.#fields.setBigUint64(header.vectorCount, 1n, true);
    this.#fields.setBigUint64(header.control, controlAddress, true);
    this.#fields.setBigUint64(header.controlBytes, BigInt(control.byteLength), true);
  }

  /** Of control data that came, as the kernel says. */
  get controlBytes(): number {
    const byteLength = Number(this.#fields.getBigUint64(header.controlBytes, true));
    return Math.min(byteLength, this.#control.byteLength);
  }

  /** True if control data was cut off. */
  get isCut(): boolean {
    return (this.#fields.getInt32(header.flags, true) & MessageFlag.ControlTruncated) !== 0;
  }

  /** The kernel was given addresses alone: called after it, so that none was collected before. */
  keep(): void {
    assert(this.#vector.byteLength === vectorBytes, 'the vector is there');
    assert(this.#payload.byteLength > 0 && this.#control.byteLength > 0, 'the parts are there');
  }
}
