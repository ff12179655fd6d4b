/**
 * `idc/drivers/kit`: a driver from one definition. `defineProtocol` takes the schema of its items;
 * `createBackEnd` and `createFrontEnd` are its two ends. Re-exports only.
 */
export { createBackEnd } from './back-end.js';
export type {
  BackEnd,
  BackEndControl,
  BackEndOptions,
  FrontEndPeer,
  HandlersOf,
  PeerControl,
} from './back-end.js';
export type { CallOptions } from './call.js';
export type { Context } from './attached-front-end.js';
export { documentProtocol } from './document.js';
export { DriverError, DriverFailure, kitFailures, type KitFailure } from './driver-error.js';
export type { ItemFault } from './event-inbox.js';
export { createFrontEnd } from './front-end.js';
export type {
  Agreed,
  FrontEnd,
  FrontEndControl,
  FrontEndOptions,
  FrontEndStatistics,
} from './front-end.js';
export type { RecoveryKind } from './greeting.js';
export { fuzzBackEnd, type FuzzOptions, type FuzzReport } from './fuzz.js';
export { createMemoryJournal, type Journal } from './journal.js';
export { openFileJournal, type FileJournal, type FileJournalOptions } from './journal-file.js';
export type { AnswerOf, BackEndHandlers, EventHandlers } from './methods.js';
export { defineProtocol, type Protocol, type SchemaOf } from './protocol.js';
export type { ItemCounts } from './quota-of.js';
export type { LeaseOptions, RecoveryOptions, TableOptions } from './recovery.js';
export type { Reference } from './reference-field.js';
export type {
  Effect,
  FieldSchema,
  MessageSchema,
  ProtocolSchema,
  RecordSchema,
  TransactionSchema,
  ValueOf,
  ValuesOf,
} from './schema.js';
