/** A read that its caller gave up: nothing of it may land in its memory later. */
import assert from 'node:assert/strict';
import {
  createMemoryDevice,
  openRemoteDevice,
  type RemoteDevice,
} from '../../../drivers/block/index.js';
import { codeOf } from '../block/device-suite.js';
import { HeldDevice } from '../block/held-device.js';
import type { Stage } from './stage.js';

/** The target is what `makeTarget` answers, `byteLength` bytes that all are 7. */
export async function checkGivenUpRead(
  stage: Stage,
  byteLength: number,
  makeTarget: (device: RemoteDevice) => Uint8Array,
): Promise<void> {
  const held = new HeldDevice(createMemoryDevice({ byteLength: 1 << 20 }));
  await stage.serve(held);
  const domain = stage.domain('front');
  const options = { timeoutMs: 50, connectMs: 30_000 };
  const device = await openRemoteDevice(domain, stage.address, options);
  const target = makeTarget(device);
  // It is given up while the back end has yet to read.
  assert.equal(await codeOf(() => device.read(0, target)), 'FAILED');
  assert.equal(domain.registeredBuffers().length, 0);
  for (const operation of held.held.splice(0)) operation.begin();
  await device.close();
  assert.deepEqual(Buffer.from(target), Buffer.alloc(byteLength, 7));
}
