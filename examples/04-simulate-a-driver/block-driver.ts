/**
 * A block driver: sectors that are read and written, and a flush. What was written lies in the back
 * end's cache until then; the platter alone outlives a crash, as with a disk.
 */
import type { Domain, Endpoint, ReceivedTransaction } from 'idc';

export const sectorByteLength = 512;
const Operation = { read: 0, write: 1, flush: 2 } as const;
export type Platter = Map<number, Uint8Array>;
type Later = (task: () => void) => void;

/** The back end. `later` calls back once the disk has done what takes it time. */
export function serveBlocks(domain: Domain, address: string, platter: Platter, later: Later): void {
  const cache: Platter = new Map();
  const perform = (request: ReceivedTransaction): Uint8Array | undefined => {
    const [operation, sector = 0] = request.parameters;
    if (operation === Operation.read) {
      return cache.get(sector) ?? platter.get(sector) ?? new Uint8Array(sectorByteLength);
    }
    if (operation === Operation.write) cache.set(sector, request.parameters.slice(2));
    else for (const [dirty, content] of cache) platter.set(dirty, content);
    return undefined;
  };
  // What is completed after the end of its epoch holds the next connect, so it never comes late.
  domain.listen(address, () => ({
    transaction: (request) => later(() => request.complete(perform(request))),
  }));
}

/** The front end. Each call rejects with an `IdcError` if it fails. */
export class BlockFrontEnd {
  readonly #endpoint: Endpoint;

  constructor(domain: Domain, address: string) {
    this.#endpoint = domain.createEndpoint(address, {});
  }

  /** What was written is durable once it was flushed in the same epoch. */
  get epoch(): number {
    return this.#endpoint.epoch;
  }

  read(sector: number): Promise<Uint8Array> {
    return this.#endpoint.submitTransaction(Uint8Array.of(Operation.read, sector));
  }

  async write(sector: number, bytes: Uint8Array): Promise<void> {
    await this.#endpoint.submitTransaction([Uint8Array.of(Operation.write, sector), bytes]);
  }

  async flush(): Promise<void> {
    await this.#endpoint.submitTransaction(Uint8Array.of(Operation.flush));
  }
}
