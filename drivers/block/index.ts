/** Block devices, what they are made of, and the server of the NBD protocol. Re-exports only. */
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
export type { NbdExport } from './nbd/agreement.js';
export {
  serveNbd,
  type NbdServer,
  type NbdServerOptions,
  type NbdStatistics,
} from './nbd/nbd-server.js';
export { sliceDevice, type SliceOptions } from './slice-device.js';
