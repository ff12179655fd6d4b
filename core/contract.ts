/** What a transport author needs: the contract, its vocabulary and the runtime. Re-exports only. */
export * from './transport.js';
export { deafSink } from './deaf-sink.js';
export * from './bulk-lane.js';
export * from './shared-memory.js';
export { makeAddress, parseAddress, type Address } from './address.js';
export { assert, fail, unreachable, IdcAssertionError, type AssertionCode } from './assert.js';
export {
  createRuntime,
  type CallTracker,
  type Clock,
  type Prng,
  type Runtime,
  type Scheduler,
  type Timer,
} from './runtime.js';
