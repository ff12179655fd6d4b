/**
 * LandingBuffer: memory of the front end that the back end fills.
 *
 * It is lent by a reference. Where both ends can map it (processes and threads of one machine) the
 * back end stores into it directly; elsewhere IDC copies. After a back end was lost, nobody knows
 * what it had on its way: `renew` takes its access away, so that nothing late can land in a block
 * that is read again.
 */
import type { Domain, RegisteredBuffer, RemoteBufferReference } from 'idc';

export class LandingBuffer {
  readonly bytes: Uint8Array;
  readonly #domain: Domain;
  #registered: RegisteredBuffer;

  constructor(domain: Domain, byteLength: number) {
    this.#domain = domain;
    this.bytes = domain.allocateBuffer(byteLength, { shared: true });
    this.#registered = this.#register();
  }

  get reference(): RemoteBufferReference {
    return this.#registered.reference;
  }

  /** When it resolves, who had the reference so far can change nothing any more. */
  async renew(): Promise<void> {
    await this.#registered.unregister();
    this.#registered = this.#register();
  }

  async close(): Promise<void> {
    await this.#registered.unregister();
  }

  #register(): RegisteredBuffer {
    return this.#domain.registerBuffer(this.bytes, { access: 'write', mode: 'map' });
  }
}
