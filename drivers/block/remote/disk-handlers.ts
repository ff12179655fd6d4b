/**
 * DiskHandlers: what the back end does for one front end, on any block device.
 *
 * The device checks ranges and read-only itself. What is read is moved only while the epoch lasts
 * in which it was asked for. What is to be written is moved beyond that: the answer is remembered
 * for the front end, which asks again when it is back.
 */
import type { Domain, RemoteBufferView } from 'idc';
import type {
  BackEndHandlers,
  Context,
  DriverFailure,
  FrontEndPeer,
  Reference,
} from 'idc/drivers/kit';
import type { BlockDevice, Done } from '../block-device.js';
import { failureOf } from './block-failure.js';
import { InlineReads } from './inline-reads.js';
import { blockProtocol, extentsMax, pieceBytesMax, type BlockSchema } from './protocol.js';
import { TransferBuffers } from './transfer-buffers.js';

/** Transfers of one front end at a time, each of one piece. */
const transfersMax = 8;

export type BlockContext = Context<FrontEndPeer<BlockSchema>>;
export type BlockHandlers = BackEndHandlers<BlockSchema, BlockContext>;

/** A piece of the device, and the memory of the front end that it is moved to or from. */
interface Move {
  readonly offset: number;
  readonly byteLength: number;
  readonly at: number;
}

export function makeDiskHandlers(
  domain: Domain,
  device: BlockDevice,
  contents: string,
): BlockHandlers {
  const buffers = new TransferBuffers(transfersMax, pieceBytesMax);
  const reads = new InlineReads(device);

  /** Runs `work` with a buffer of the piece's length. */
  async function move(
    { byteLength }: Move,
    work: (bytes: Uint8Array) => Promise<void>,
  ): Promise<undefined | DriverFailure> {
    if (byteLength > pieceBytesMax) return blockProtocol.failure('OUT_OF_RANGE');
    const buffer = await buffers.take();
    try {
      await work(buffer.subarray(0, byteLength));
      return undefined;
    } catch (thrown) {
      return failureOf(thrown);
    } finally {
      // However a transfer ended, it uses the buffer no more.
      buffers.give(buffer);
    }
  }

  return {
    identify: () => {
      const { byteLength, blockBytes, isReadOnly } = device;
      return { byteLength, blockBytes, isReadOnly, contents };
    },
    read: ({ offset, byteLength }) => reads.read(offset, byteLength),
    readTo: (piece: Move & { readonly target: Reference }, { signal }) => {
      const view = piece.byteLength > pieceBytesMax ? undefined : viewOf(domain, piece);
      if (view !== undefined) return readThrough(view, device, piece.offset);
      return move(piece, async (bytes) => {
        if (signal.aborted) return;
        await device.read(piece.offset, bytes);
        await domain.sendToRemoteBuffer(piece.target, bytes, { offset: piece.at, signal });
      });
    },
    write: ({ offset, data, fua }) => answer(device.write(offset, data, { fua })),
    writeFrom: (piece: Move & { readonly source: Reference; readonly fua: boolean }) =>
      move(piece, async (bytes) => {
        await domain.receiveFromRemoteBuffer(piece.source, bytes, { offset: piece.at });
        await device.write(piece.offset, bytes, { fua: piece.fua });
      }),
    flush: () => answer(device.flush()),
    discard: ({ offset, byteLength }) => answer(device.discard(offset, byteLength)),
    writeZeroes: ({ offset, byteLength, fua, mayDiscard }) =>
      answer(device.writeZeroes(offset, byteLength, { fua, mayDiscard })),
    status: async ({ offset, byteLength }) => {
      if (byteLength === 0) return { extents: [] };
      try {
        const extents = await device.status(offset, byteLength);
        return { extents: extents.slice(0, extentsMax) };
      } catch (thrown) {
        return failureOf(thrown);
      }
    },
  };
}

/** The memory itself, if the front end is on this machine and lends it. */
function viewOf(
  domain: Domain,
  { target, at, byteLength }: Move & { readonly target: Reference },
): RemoteBufferView | undefined {
  return domain.viewRemoteBuffer(target, { offset: at, byteLength });
}

/** Once the front end takes its memory back, nothing that is read lands there. */
async function readThrough(
  view: RemoteBufferView,
  device: BlockDevice,
  offset: number,
): Promise<undefined | DriverFailure> {
  let failure: DriverFailure | undefined;
  try {
    await device.read(offset, view.bytes);
  } catch (thrown) {
    failure = failureOf(thrown);
  }
  const isThere = view.close();
  return failure ?? (isThere ? undefined : blockProtocol.failure('NOT_MOVED'));
}

function answer(done: Done): undefined | Promise<undefined | DriverFailure> {
  return done?.then(() => undefined, failureOf);
}
