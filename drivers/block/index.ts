/** Block devices, and what they are made of. Re-exports only. */
export type {
  BlockDevice,
  Done,
  Extent,
  WriteOptions,
  WriteZeroesOptions,
} from './block-device.js';
export { BlockError, BlockErrorCode } from './block-error.js';
export { countDevice, type BlockCounts, type CountingDevice } from './counting-device.js';
export type { FileDevice } from './file/file-device.js';
export { openFileDevice, type FileDeviceOptions } from './file/open-file-device.js';
export {
  createMemoryDevice,
  type MemoryDevice,
  type MemoryDeviceOptions,
} from './memory-device.js';
export { sliceDevice, type SliceOptions } from './slice-device.js';
