/**
 * The back end of the disk: answers the block protocol from one image file.
 *
 * It does not know where its front ends are or what lies between. Reads run side by side and are
 * answered in the order in which they are finished, each when its bytes are in the front end's
 * buffer. A read may still run when its epoch ends: it completes its transaction all the same,
 * which sends nothing and is what `connect` of the next epoch waits for.
 */
import type { FileHandle } from 'node:fs/promises';
import {
  IdcError,
  RemoteBufferReference,
  type Domain,
  type Listener,
  type ReceivedTransaction,
} from 'idc';
import { isSystemError } from './failure.js';
import type { Image } from './image.js';
import {
  BlockError,
  blockByteLengthMax,
  blockQuota,
  decodeRequest,
  encodeGeometry,
  type ReadRequest,
} from './protocol.js';

const noBytes = new Uint8Array(0);

/** With the quota this bounds the buffers: one for each transaction that can be outstanding. */
const frontEndsMax = 8;

/** Serves `image` at `address` until the listener is closed. The image stays its caller's. */
export function serveDisk(domain: Domain, address: string, image: Image): Listener {
  const disk = new DiskBackEnd(domain, image);
  const handlers = { transaction: (request: ReceivedTransaction) => disk.answer(request) };
  return domain.listen(address, () => handlers, { quota: blockQuota, peersMax: frontEndsMax });
}

class DiskBackEnd {
  readonly #domain: Domain;
  readonly #image: Image;
  /** Free buffers of one block each; grows to the number of reads that ever ran at once. */
  readonly #buffers: Uint8Array[] = [];

  constructor(domain: Domain, image: Image) {
    this.#domain = domain;
    this.#image = image;
  }

  async answer(transaction: ReceivedTransaction): Promise<void> {
    const request = decodeRequest(transaction.parameters);
    if (request === undefined) {
      transaction.complete(noBytes, BlockError.BadRequest);
    } else if (request.operation === 'identify') {
      transaction.complete(
        encodeGeometry({
          blockByteLength: blockByteLengthMax,
          deviceByteLength: this.#image.byteLength,
        }),
      );
    } else if (!this.#isInside(request)) {
      transaction.complete(noBytes, BlockError.OutOfRange);
    } else {
      await this.#read(request, transaction);
    }
  }

  #isInside({ offset, byteLength }: ReadRequest): boolean {
    return byteLength <= blockByteLengthMax && offset + byteLength <= this.#image.byteLength;
  }

  async #read(
    { offset, byteLength, reference }: ReadRequest,
    transaction: ReceivedTransaction,
  ): Promise<void> {
    const buffer = this.#buffers.pop() ?? new Uint8Array(blockByteLengthMax);
    const block = buffer.subarray(0, byteLength);
    if (!(await readWhole(this.#image.file, block, offset))) {
      transaction.complete(noBytes, BlockError.MediumFailed);
    } else if (await this.#deliver(block, reference, transaction)) {
      transaction.complete();
    } else {
      transaction.complete(noBytes, BlockError.TransferFailed);
    }
    // However the transfer ended, nobody reads the buffer any more.
    this.#buffers.push(buffer);
  }

  /** Moves the block to the front end; false if that failed, or nobody wants it any more. */
  async #deliver(
    block: Uint8Array,
    encoded: Uint8Array,
    { endpoint, signal }: ReceivedTransaction,
  ): Promise<boolean> {
    try {
      const reference = RemoteBufferReference.decode(encoded, endpoint);
      await this.#domain.sendToRemoteBuffer(reference, block, { signal });
      return true;
    } catch (error) {
      if (error instanceof IdcError) return false;
      throw error;
    }
  }
}

/** Fills `target` from `offset` on; false if the file ended first or could not be read. */
async function readWhole(file: FileHandle, target: Uint8Array, offset: number): Promise<boolean> {
  let filled = 0;
  while (filled < target.byteLength) {
    const rest = target.byteLength - filled;
    const byteCount = await readSome(file, target, filled, rest, offset + filled);
    if (byteCount === 0) return false;
    filled += byteCount;
  }
  return true;
}

async function readSome(
  file: FileHandle,
  target: Uint8Array,
  targetOffset: number,
  byteLength: number,
  position: number,
): Promise<number> {
  try {
    return (await file.read(target, targetOffset, byteLength, position)).bytesRead;
  } catch (error) {
    if (isSystemError(error)) return 0;
    throw error;
  }
}
