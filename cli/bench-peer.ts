/**
 * What `idc bench` measures against: a service that takes messages, answers transactions with as
 * many bytes, and lends a buffer. It runs in a child, which ends when its parent does.
 */
import { IdcError, type Domain, type EndpointHandlers, type RemoteBufferReference } from 'idc';
import { requireAddress } from './address.js';
import { Failure, reasonOf } from './failure.js';
import { print } from './print.js';
import { createCommandDomain } from './transports.js';

export const bufferBytes: number = 1024 * 1024;

/** Offers the service at `address`; resolves with where that is. */
export async function offerPeer(domain: Domain, address: string): Promise<string> {
  const memory = domain.allocateBuffer(bufferBytes, { shared: true });
  const { reference } = domain.registerBuffer(memory, { access: 'readWrite' });
  return await domain.listen(address, () => makeHandlers(reference)).ready;
}

/** A request without bytes is answered by the reference. */
function makeHandlers(reference: RemoteBufferReference): EndpointHandlers {
  return {
    message: (message) => {
      message.complete();
    },
    transaction: (transaction) => {
      const { byteLength } = transaction;
      transaction.complete(byteLength === 0 ? reference.encode() : transaction.parameters);
    },
  };
}

/** `idc bench-peer ADDRESS`: tells the address that it got, and ends with its input. */
export async function benchPeer(address: string): Promise<void> {
  requireAddress(address);
  const domain = createCommandDomain('idc bench-peer');
  try {
    print(await offerPeer(domain, address));
    await new Promise((resolve) => {
      process.stdin.on('close', resolve);
      process.stdin.resume();
    });
  } catch (error) {
    throw error instanceof IdcError ? new Failure(reasonOf(error)) : error;
  } finally {
    await domain.close();
  }
}
