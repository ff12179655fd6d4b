/**
 * A split driver in one file: a device of random bytes.
 *
 * The parameters of a transaction are one byte, how many are wanted; its status is the bytes.
 */
import { randomBytes } from 'node:crypto';
import type { Domain, Endpoint, Listener } from 'idc';

/** The back end: serves the device at `address`. */
export function serveEntropy(domain: Domain, address: string): Listener {
  return domain.listen(address, () => ({
    transaction: (request) => {
      request.complete(randomBytes(request.parameters[0] ?? 0));
    },
  }));
}

/** The front end: takes `byteLength` random bytes, at most 255, from a connected device. */
export async function readEntropy(device: Endpoint, byteLength: number): Promise<Uint8Array> {
  return device.submitTransaction(Uint8Array.of(byteLength));
}
