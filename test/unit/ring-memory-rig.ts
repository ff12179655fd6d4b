/** What tests of the ring's memory share: the calls, crafted files, a look at the process. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, readlinkSync, writeSync } from 'node:fs';

import { MappedOwnMemory, memorySeals } from '../../transports/ring/mapped-memory.js';
import type { MappedRanges } from '../../transports/ring/mapped-ranges.js';
import {
  explainNative,
  Fcntl,
  loadNative,
  MemfdFlag,
  type Native,
} from '../../transports/ring/native.js';
import { writeHeader, type MemoryAnnouncement } from '../../transports/ring/region.js';
import { controlBytes, memoryBytes } from '../../transports/ring/ring-layout.js';

export const ringBytes = 16_384;

/** These tests are about native calls: a machine without them cannot pass. */
export function requireNative(): Native {
  const native = loadNative();
  assert.ok(native, explainNative());
  return native;
}

/** 16 bytes, different for every `number`. */
export function makeToken(number: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(number, 0x9e3779b9, 7, ~number).buffer);
}

export function makeOwn(
  native: Native,
  ranges: MappedRanges,
  token: Uint8Array = makeToken(1),
): MappedOwnMemory {
  const own = MappedOwnMemory.create(native, ranges, { ringBytes, token });
  if (typeof own === 'string') assert.fail(`no memory: ${own}`);
  return own;
}

export function announce(own: { readonly token: Uint8Array }): MemoryAnnouncement {
  return { ringBytes, byteLength: memoryBytes(ringBytes), token: own.token };
}

export interface Craft {
  readonly flags?: number;
  readonly byteLength?: number;
  readonly token?: Uint8Array;
  readonly seals?: number;
  /** True: it has the pages alone that are written. */
  readonly isSparse?: boolean;
  /** Changes the control page, after it was made right. */
  readonly spoil?: (control: Int32Array) => void;
}

/** A memfd as a peer with ideas of its own might make it; right in whatever is not said. */
export function craftMemory(native: Native, craft: Craft = {}): number {
  const { flags = MemfdFlag.AllowSealing, byteLength = memoryBytes(ringBytes) } = craft;
  const descriptor = native.memfdCreate('crafted', MemfdFlag.CloseOnExec | flags);
  assert.ok(descriptor >= 0, `memfd_create answered ${descriptor}`);
  assert.equal(native.truncate(descriptor, byteLength), 0);
  if ((flags & MemfdFlag.HugePages) === 0 && byteLength > 0 && craft.isSparse !== true) {
    assert.equal(native.allocate(descriptor, byteLength), 0);
  }
  if ((flags & MemfdFlag.HugePages) === 0 && byteLength >= controlBytes) {
    const control = new Int32Array(controlBytes / 4);
    writeHeader(control, ringBytes, craft.token ?? makeToken(1));
    craft.spoil?.(control);
    writeSync(descriptor, new Uint8Array(control.buffer), 0, controlBytes, 0);
  }
  const seals = craft.seals ?? memorySeals;
  if (seals !== 0) assert.equal(native.fcntl(descriptor, Fcntl.AddSeals, seals), 0);
  return descriptor;
}

/** The same calls, but for those that are given. */
export function overriding(native: Native, overrides: Partial<Native>): Native {
  return new Proxy(native, {
    get(target, name) {
      const own: unknown = Reflect.get(overrides, name);
      if (own !== undefined) return own;
      const call: unknown = Reflect.get(target, name);
      return typeof call === 'function' ? (call.bind(target) as unknown) : call; // binds, no more
    },
  });
}

/** What this process holds that a memory could have left behind. */
export interface Holdings {
  readonly descriptors: readonly string[];
  readonly memfdMappings: number;
}

export function lookAtHoldings(): Holdings {
  const descriptors = readdirSync('/proc/self/fd').map((name) => {
    try {
      return `${name} ${readlinkSync(`/proc/self/fd/${name}`)}`;
    } catch {
      // The descriptor of the listing itself.
      return '';
    }
  });
  return { descriptors: descriptors.filter((line) => line !== ''), memfdMappings: countMemfd() };
}

function countMemfd(): number {
  return readMappings().filter((line) => line.includes('/memfd:')).length;
}

/** The lines of `/proc/self/maps`. */
export function readMappings(): string[] {
  return readFileSync('/proc/self/maps', 'latin1').split('\n');
}

/** Resident memory in bytes, as the kernel counts it. */
export function residentBytes(): number {
  const pages = Number(readFileSync('/proc/self/statm', 'latin1').split(' ')[1]);
  return pages * 4096;
}
