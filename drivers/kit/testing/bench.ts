/**
 * Bench: a back end and front ends of the driver under test over one real transport, in domains of
 * their own that can be given up at any moment and started again.
 */
import { createDomain, createRuntime, type Domain, type Runtime } from 'idc';
import type { FrontEndControl } from '../index.js';
import type { DriverUnderTest } from './driver-under-test.js';
import type { Medium } from './media.js';

/** Short, so that a lost end is dialled again at once. */
const limits = { dialMinMs: 1, dialMaxMs: 20 };

export class Bench<D, Front extends FrontEndControl, Kept> {
  readonly kept: Kept;
  readonly runtime: Runtime = createRuntime();
  readonly #driver: DriverUnderTest<D, Front, Kept>;
  readonly #medium: Medium;
  #address: string;
  #back: Domain;
  readonly #fronts = new Map<number, { readonly domain: Domain; readonly end: Front }>();

  constructor(driver: DriverUnderTest<D, Front, Kept>, medium: Medium) {
    this.#driver = driver;
    this.#medium = medium;
    this.#address = medium.address;
    this.kept = driver.makeMedium();
    this.#back = this.#makeDomain('back');
  }

  get address(): string {
    return this.#address;
  }

  async startBackEnd(): Promise<void> {
    const { ready } = this.#driver.startBackEnd({
      domain: this.#back,
      address: this.#address,
      medium: this.kept,
      runtime: this.runtime,
    });
    this.#address = await ready;
  }

  /** The back end goes without waiting for its handlers, and comes back at the same address. */
  async restartBackEnd(): Promise<void> {
    await this.#back.close({ drainMs: 0 });
    this.#back = this.#makeDomain('back');
    await this.startBackEnd();
  }

  startFrontEnd(index: number): Front {
    const domain = this.#makeDomain(`front ${index}`);
    const { address, runtime } = this;
    const end = this.#driver.startFrontEnd({ domain, address, runtime });
    this.#fronts.set(index, { domain, end });
    return end;
  }

  /** A front end goes, whatever it was doing. */
  async dropFrontEnd(index: number): Promise<void> {
    await this.#fronts.get(index)?.domain.close({ drainMs: 0 });
    this.#fronts.delete(index);
  }

  /** A domain beside those of the driver; the caller closes it. */
  makeDomain(name: string): Domain {
    return this.#makeDomain(name);
  }

  async close(): Promise<void> {
    for (const { domain } of this.#fronts.values()) await domain.close();
    await this.#back.close();
  }

  #makeDomain(name: string): Domain {
    return createDomain({ name, transports: [this.#medium.makeTransport()], limits });
  }
}
