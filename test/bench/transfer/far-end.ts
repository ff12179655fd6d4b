/**
 * The far end of the cases of remote buffers. It registers one buffer and hands out its reference;
 * or it reads the buffer whose reference a request carries, as a driver's back end does.
 */
import { IdcError, RemoteBufferReference, type Domain, type ReceivedTransaction } from 'idc';

import { expectOk } from '../own/front-end.js';
import { itemBytesMax, type WorkloadName } from '../workload.js';
import { bulkParts } from './bulk.js';
import { transferPlanOf, type TransferMode } from './transfer-plan.js';

/** What a request wants of the far end, by its first byte; an echo begins with 0. */
export const Wish = { Echo: 0, Reference: 1, Read: 2 } as const;

/** Of a reference, and of what goes in front of it. */
export const wishBytesMax = 2048;

export class TransferFarEnd {
  readonly #domain: Domain;
  readonly #workload: WorkloadName;
  readonly #mode: TransferMode;
  readonly #landing: Uint8Array;
  readonly #echo = new Uint8Array(64);
  #reference: Uint8Array | undefined = undefined;

  constructor(domain: Domain, workload: WorkloadName, mode: TransferMode) {
    this.#domain = domain;
    this.#workload = workload;
    this.#mode = mode;
    this.#landing = new Uint8Array(itemBytesMax(workload));
  }

  listen(address: string): Promise<string> {
    const transaction = (request: ReceivedTransaction): void => {
      this.#answer(request);
    };
    const quota = { parameterBytes: wishBytesMax, statusBytes: wishBytesMax };
    return this.#domain.listen(address, () => ({ transaction }), { quota }).ready;
  }

  #answer(request: ReceivedTransaction): void {
    const { bytes, offset } = request;
    const wish = bytes[offset];
    if (wish === Wish.Reference) request.complete((this.#reference ??= this.#register()));
    else if (wish === Wish.Read) void this.#read(request);
    else request.complete(this.#echo);
  }

  #register(): Uint8Array {
    const plan = transferPlanOf(this.#workload);
    const mode = this.#mode;
    const buffer =
      plan === undefined
        ? bulkParts()
        : this.#domain.allocateBuffer(plan.remoteBytes, { shared: mode === 'map' });
    const registered = this.#domain.registerBuffer(buffer, { access: 'readWrite', mode });
    if (registered.mode !== mode) throw new Error(`the buffer is served by ${registered.mode}`);
    return registered.reference.encode();
  }

  async #read(request: ReceivedTransaction): Promise<void> {
    const { endpoint } = request;
    const reference = RemoteBufferReference.decode(request.parameters.subarray(1), endpoint);
    try {
      await this.#domain.receiveFromRemoteBuffer(reference, this.#landing);
    } catch (error) {
      if (error instanceof IdcError) expectOk(error.code);
      throw error;
    }
    request.complete();
  }
}
