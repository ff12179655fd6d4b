/**
 * The front end of the disk: a device that can be read, wherever its back end is.
 *
 * Reads survive the loss of the back end. Reading twice does no harm, so a read that the back end
 * did not answer is submitted again in the next epoch: no caller sees a disconnect, except as time.
 * Whoever wants to know watches `lifecycle$`. Any number of reads may wait here; as many as the
 * agreed quota allows are outstanding.
 */
import { ErrorCode, IdcError, type Domain, type Endpoint, type LifecycleEvent } from 'idc';
import { filter, firstValueFrom, fromEvent, takeUntil, type Observable } from 'rxjs';
import { Failure } from './failure.js';
import { LandingBuffer } from './landing-buffer.js';
import {
  blockErrorName,
  blockQuota,
  decodeGeometry,
  encodeRequest,
  type BlockRequest,
  type Geometry,
} from './protocol.js';

/** Who copies a disk wants to go on as soon as its back end is there again. */
const dialMaxMs = 200;

export class Disk {
  readonly lifecycle$: Observable<LifecycleEvent>;
  readonly #domain: Domain;
  readonly #endpoint: Endpoint;
  #transactionCount = 0;

  /** Starts to connect to the back end at `address`. */
  constructor(domain: Domain, address: string) {
    this.#domain = domain;
    // There is nothing to drain at a disconnect: what a read fills is taken back before it is
    // submitted again.
    const options = { quota: blockQuota, limits: { dialMaxMs } };
    this.#endpoint = domain.createEndpoint(address, {}, options);
    this.lifecycle$ = this.#endpoint.lifecycle$;
  }

  /** Transactions submitted so far, those that had to be repeated included. */
  get transactionCount(): number {
    return this.#transactionCount;
  }

  async identify(signal: AbortSignal): Promise<Geometry> {
    const status = await this.#ask(() => ({ operation: 'identify' }), signal);
    const geometry = decodeGeometry(status);
    if (geometry === undefined) throw new Failure('the back end described no legal device');
    return geometry;
  }

  /** Memory that `read` can fill, of so many bytes. */
  allocate(byteLength: number): LandingBuffer {
    return new LandingBuffer(this.#domain, byteLength);
  }

  /**
   * Fills the first `byteLength` bytes of `target` from `offset` on, however often the back end is
   * lost meanwhile.
   */
  async read(
    offset: number,
    byteLength: number,
    target: LandingBuffer,
    signal: AbortSignal,
  ): Promise<void> {
    const encode = (): BlockRequest => {
      return { operation: 'read', offset, byteLength, reference: target.reference.encode() };
    };
    await this.#ask(encode, signal, () => target.renew());
  }

  /** Gives the device up; reads that still wait fail. */
  async close(): Promise<void> {
    await this.#endpoint.destroy();
  }

  /** Does one idempotent transaction; an abort of `signal` throws the signal's reason. */
  async #ask(
    makeRequest: () => BlockRequest,
    signal: AbortSignal,
    prepareAgain: () => Promise<void> = () => Promise.resolve(),
  ): Promise<Uint8Array> {
    for (;;) {
      signal.throwIfAborted();
      try {
        await this.#whenConnected(signal);
        const parameters = encodeRequest(makeRequest());
        await this.#endpoint.whenWritable({
          kind: 'transaction',
          byteLength: parameters.byteLength,
        });
        this.#transactionCount += 1;
        return await this.#endpoint.submitTransaction(parameters, { signal });
      } catch (error) {
        if (!(error instanceof IdcError)) throw error;
        if (finalCodes.has(error.code)) throw explain(error, signal);
        await prepareAgain();
      }
    }
  }

  /** Resolves when an epoch is open, and at once if there will be none. */
  async #whenConnected(signal: AbortSignal): Promise<void> {
    if (this.#endpoint.state === 'connected') return;
    const connect$ = this.lifecycle$.pipe(
      filter((event) => event.type === 'connect'),
      takeUntil(fromEvent(signal, 'abort')),
    );
    await firstValueFrom(connect$, { defaultValue: undefined });
  }
}

/** After these, asking again cannot help, in this epoch or the next. */
const finalCodes: ReadonlySet<ErrorCode> = new Set([
  ErrorCode.Remote,
  ErrorCode.Cancelled,
  ErrorCode.Destroyed,
  ErrorCode.TooLarge,
  ErrorCode.Unsupported,
]);

function explain(error: IdcError, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  if (error.remoteCode === undefined) return error;
  return new Failure(`the back end answered ${blockErrorName(error.remoteCode)}`);
}
