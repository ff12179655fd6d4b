/** A driver of one transaction, to be measured beside a raw transaction as long as it. */
import { defineProtocol, type Protocol, type ValuesOf } from 'idc/drivers/kit';

const schema = {
  name: 'mover',
  version: 1,
  transactions: {
    move: {
      parameters: {
        offset: 'uint53',
        byteLength: 'uint32',
        flags: 'uint8',
        data: { bytes: 64, lent: true },
      },
      status: { count: 'uint32', data: { bytes: 64 } },
      effect: 'idempotent',
    },
  },
} as const;

export type Mover = typeof schema;
type Move = Mover['transactions']['move'];

export const mover: Protocol<Mover> = defineProtocol(schema);

/** With the number, the lengths and the other fields, parameters and status have 64 bytes each. */
export const parameters: ValuesOf<Move['parameters']> = {
  offset: 3_000_000_000,
  byteLength: 53,
  flags: 1,
  data: new Uint8Array(55),
};
export const status: ValuesOf<Move['status']> = { count: 2_000_000, data: new Uint8Array(60) };
