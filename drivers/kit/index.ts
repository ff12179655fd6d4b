/**
 * `idc/drivers/kit`: a driver from one definition. `defineProtocol` takes the schema of its items;
 * `createBackEnd` and `createFrontEnd` are its two ends. Re-exports only.
 */
export { DriverError, DriverFailure, kitFailures, type KitFailure } from './driver-error.js';
export { defineProtocol, type Protocol, type SchemaOf } from './protocol.js';
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
