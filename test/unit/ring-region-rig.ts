/** What tests of shared regions have in common: hosts, regions, and who the owner is. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

import { createRuntime, type BufferAccess, type PeerIdentity } from '../../core/contract.js';
import type { MappedRegion } from '../../core/shared-memory.js';
import { MappedRanges } from '../../transports/ring/mapped-ranges.js';
import { mapRegion } from '../../transports/ring/mapped-region.js';
import type { Native } from '../../transports/ring/native.js';
import {
  decodeDescription,
  type RegionDescription,
} from '../../transports/ring/region-description.js';
import type { RegionHost } from '../../transports/ring/region-memory.js';
import { OwnRegion } from '../../transports/ring/shared-region.js';
import { overriding, requireNative } from './ring-memory-rig.js';

export const accesses: readonly BufferAccess[] = ['read', 'write', 'readWrite'];
/** Three pages, the last of them in part. */
export const regionBytes = 10_000;

/** A host of its own; `overrides` replace some of its calls, and `now` its clock. */
export function makeHost(overrides?: Partial<Native>, now?: () => number): RegionHost {
  const real = requireNative();
  const native = overrides === undefined ? real : overriding(real, overrides);
  const runtime = createRuntime();
  const clock = now === undefined ? runtime.clock : { now, unixMs: () => runtime.clock.unixMs() };
  return { native, ranges: new MappedRanges(native, 8), runtime: { ...runtime, clock } };
}

export function makeRegion(host: RegionHost, byteLength: number = regionBytes): OwnRegion {
  const region = OwnRegion.allocate(host, byteLength);
  if (typeof region === 'string') assert.fail(`allocate: ${region}`);
  return region;
}

/** A region that holds `fill`, shared. */
export function shareRegion(host: RegionHost, access: BufferAccess, fill = 5): OwnRegion {
  const region = makeRegion(host);
  region.bytes.fill(fill);
  assert.equal(region.share(access), undefined);
  return region;
}

export function identityOf(pid: number): PeerIdentity {
  const process = { pid, uid: 0, gid: 0 };
  return { kind: 'process', name: 'uid:0', origin: 'ring://test', process };
}

export const ownIdentity: PeerIdentity = identityOf(process.pid);

/** Maps it in the same process. */
export function holdRegion(
  host: RegionHost,
  region: OwnRegion,
  access: BufferAccess = 'read',
): MappedRegion {
  const { byteLength } = region.bytes;
  const held = mapRegion(host, ownIdentity, region.describe(), byteLength, access);
  if (typeof held === 'string') assert.fail(`map: ${held}`);
  return held;
}

export function describeRegion(region: OwnRegion): RegionDescription {
  const description = decodeDescription(region.describe());
  assert.ok(description);
  return description;
}

export function isFilledWith(bytes: Uint8Array, byte: number): boolean {
  return bytes.every((each) => each === byte);
}

/** Resident pages of files in memory, in bytes, by the kernel's account. */
export function residentSharedBytes(): number {
  const status = readFileSync('/proc/self/status', 'latin1');
  return 1024 * Number(/RssShmem:\s*(\d+) kB/u.exec(status)?.[1]);
}
