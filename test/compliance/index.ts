/** `idc/compliance`: the contract's laws as tests that a third party can run. Re-exports only. */
export { runLaneCompliance } from './lane-suite.js';
export { runTransportCompliance } from './transport-suite.js';
export {
  turnEventLoop,
  type MakeHarness,
  type RawMedium,
  type RawPeer,
  type TransportHarness,
} from './harness.js';
export { runSharedMemoryCompliance } from './shared-memory-suite.js';
export type { MakeSharedMemoryHarness, SharedMemoryHarness } from './shared-memory-stage.js';
export { runBufferCompliance } from './buffer/buffer-suite.js';
export { runEndpointCompliance } from './endpoint/endpoint-suite.js';
export type { EndpointWorld, MakeWorld } from './endpoint/world.js';
