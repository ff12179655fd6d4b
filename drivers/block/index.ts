/**
 * `idc/drivers/block`: block devices, what they are made of, the driver that reaches them over IDC,
 * and the server of the NBD protocol. Re-exports only.
 */
export type {
  BlockDevice,
  Done,
  Extent,
  WriteOptions,
  WriteZeroesOptions,
} from './block-device.js';
export { BlockError, BlockErrorCode } from './block-error.js';
export { countDevice, type BlockCounts, type CountingDevice } from './counting-device.js';
export type { DeviceMemory } from './device-memory.js';
export type { FileDevice } from './file/file-device.js';
export { openFileDevice, type FileDeviceOptions } from './file/open-file-device.js';
export { ForwardingDevice } from './forwarding-device.js';
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
export { serveDevice, type BlockBackEnd, type ServeDeviceOptions } from './remote/back-end.js';
export { openRemoteDevice, type OpenRemoteDeviceOptions } from './remote/front-end.js';
export { blockProtocol, type BlockSchema } from './remote/protocol.js';
export type { RemoteDevice } from './remote/remote-device.js';
export { sliceDevice, type SliceOptions } from './slice-device.js';
