/** A rig with a bulk lane, and a buffer of the owner that a body of the lane covers. */
import type { RemoteBufferReference } from '../../core/transfer/reference.js';
import type { RigLane } from './transfers-lane.js';
import { HolderRig, type Way } from './transfers-rig.js';

/** Fits one body: 8 inline pieces of 1,024 bytes. */
export const byteLength = 8_000;
export const half: number = byteLength / 2;

export interface LaneScene {
  readonly rig: HolderRig;
  readonly way: Way;
  readonly lane: RigLane;
  readonly memory: Uint8Array;
  readonly decoded: RemoteBufferReference;
  readonly unregister: () => Promise<void>;
}

export async function createLaneScene(memory: Uint8Array): Promise<LaneScene> {
  const rig = new HolderRig();
  const way = await rig.addWay();
  const lane = rig.addLane(way);
  const buffer = rig.register(memory);
  const unregister = (): Promise<void> => buffer.unregister();
  return { rig, way, lane, memory, decoded: buffer.decoded, unregister };
}
