/**
 * The block protocol: what the two ends of a remote block device say to each other.
 *
 * Up to `inlineBytesMax` bytes travel in the transaction itself. For more, the front end lends its
 * memory by a reference, and the back end moves the bytes. All that changes the device may be
 * submitted again where nobody else changed the place meanwhile, of which the kit takes care.
 */
import { defineProtocol, type Protocol } from 'idc/drivers/kit';

const blockSchema = {
  name: 'block',
  version: 1,
  note: 'A range of bytes that is read and written in blocks. Offsets and lengths are in bytes.',
  errors: {
    OUT_OF_RANGE: 1,
    MISALIGNED: 2,
    READ_ONLY: 3,
    NO_SPACE: 4,
    FAILED: 5,
    CLOSED: 6,
    NOT_MOVED: 7,
  },
  transactions: {
    identify: {
      note: 'What the device is now. Asked in each epoch, and after each `resized`.',
      status: {
        byteLength: 'uint53',
        blockBytes: { is: 'uint32', note: 'A power of two, at most 65536.' },
        isReadOnly: 'boolean',
        contents: { text: 64, note: 'Another name than before: what was written is lost.' },
      },
      effect: 'none',
    },
    read: {
      parameters: { offset: 'uint53', byteLength: 'uint32' },
      status: { data: { bytes: 65536 } },
      effect: 'none',
    },
    readTo: {
      note: 'Fills the memory behind `target` from its byte `at` on. NOT_MOVED: it cannot.',
      parameters: {
        offset: 'uint53',
        byteLength: { is: 'uint32', note: 'At most 1 MiB.' },
        target: 'reference',
        at: 'uint53',
      },
      effect: 'none',
    },
    write: {
      parameters: { offset: 'uint53', data: { bytes: 65536, lent: true }, fua: 'boolean' },
      effect: 'idempotent',
      range: { from: 'offset', length: 'data' },
    },
    writeFrom: {
      note: 'Takes the bytes behind `source` from `at` on. NOT_MOVED: it cannot; nothing changed.',
      parameters: {
        offset: 'uint53',
        byteLength: { is: 'uint32', note: 'At most 1 MiB.' },
        source: 'reference',
        at: 'uint53',
        fua: 'boolean',
      },
      effect: 'idempotent',
      range: { from: 'offset', length: 'byteLength' },
    },
    flush: {
      note: 'All that was answered before it was submitted is on stable storage.',
      effect: 'none',
    },
    discard: {
      parameters: { offset: 'uint53', byteLength: 'uint53' },
      effect: 'idempotent',
      range: { from: 'offset', length: 'byteLength' },
    },
    writeZeroes: {
      parameters: {
        offset: 'uint53',
        byteLength: 'uint53',
        fua: 'boolean',
        mayDiscard: 'boolean',
      },
      effect: 'idempotent',
      range: { from: 'offset', length: 'byteLength' },
    },
    status: {
      note: 'The extents from `offset` on, adjoining; they may cover a part of the range only.',
      parameters: { offset: 'uint53', byteLength: 'uint53' },
      status: {
        extents: {
          list: { record: { byteLength: 'uint53', isHole: 'boolean', isZero: 'boolean' } },
          max: 256,
        },
      },
      effect: 'none',
    },
  },
  messages: {
    resized: {
      to: 'front',
      note: 'The length changed, perhaps not for the last time.',
      fields: { byteLength: 'uint53' },
    },
  },
} as const;

const { transactions } = blockSchema;
/** The most that travels in a transaction; no block is longer. */
export const inlineBytesMax: number = transactions.read.status.data.bytes;
/** The most that one transaction moves by a reference. */
export const pieceBytesMax: number = 1 << 20;
/** Extents in one answer; who wants to know more asks again. */
export const extentsMax: number = transactions.status.status.extents.max;

export type BlockSchema = typeof blockSchema;
export const blockProtocol: Protocol<BlockSchema> = defineProtocol(blockSchema);
