/** The public surface: re-exports only. */
export {
  Refusal,
  type Action,
  type Bytes,
  type Completion,
  type DestroyOptions,
  type DisconnectEvent,
  type DomainOptions,
  type EndpointHandlers,
  type EndpointOptions,
  type LifecycleEvent,
  type ListenOptions,
  type ListenerEvent,
  type Offer,
  type OfferHandler,
  type OfferRefusal,
  type OfferRefusalCode,
  type Peer,
  type TimeLimits,
  type TransactionOptions,
  type WaitStrategy,
  type WritableRequest,
} from './api.js';
export { IdcAssertionError, type AssertionCode } from './assert.js';
export { createDomain, type Domain, type DomainStatistics } from './domain.js';
export type { Endpoint, EndpointStatistics } from './endpoint.js';
export type { EndpointState } from './endpoint-machine.js';
export { ErrorCode, IdcError, type Execution, type IdcErrorDetails } from './errors.js';
export type { Listener } from './listener.js';
export type { ReceivedMessage } from './message.js';
export { quotaDefault, type Quota } from './quota.js';
export type { ReceivedTransaction } from './received-transaction.js';
export {
  createRuntime,
  type CallTracker,
  type Clock,
  type Prng,
  type Runtime,
  type Scheduler,
  type Timer,
} from './runtime.js';
export type { BufferAccess } from './shared-memory.js';
export { RemoteBufferReference } from './transfer/reference.js';
export type { BufferMode } from './transfer/reference-layout.js';
export type { NarrowOptions } from './transfer/reference-narrow.js';
export type {
  BufferUse,
  RegisteredBuffer,
  RegisterOptions,
  RegistrationInfo,
} from './transfer/registrations.js';
export type { RemoteBufferStatistics, TransferLimits } from './transfer/remote-buffers.js';
export type { RemoteBufferView } from './transfer/remote-buffer-view.js';
export type { TransferServerStatistics } from './transfer/transfer-server.js';
export type { TransferOptions, TransferSlot, TransferStatistics } from './transfer/transfers.js';
export type { ByteRange } from './transfer/write-tracker.js';
export { Fault, type PeerIdentity, type TransportFactory } from './transport.js';
