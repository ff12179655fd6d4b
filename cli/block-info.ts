/** `idc block info ADDRESS`: what the block device at an address is. */
import type { BlockDevice } from 'idc/drivers/block';
import { failureOf, openAddress } from './block-place.js';
import { onInterrupt } from './interrupt.js';
import { print } from './print.js';
import { createCommandDomain } from './transports.js';
import { describeBytes } from './units.js';

export interface InfoOptions {
  readonly timeoutMs: number;
  readonly json: boolean;
}

interface Facts {
  readonly address: string;
  readonly byteLength: number;
  readonly blockBytes: number;
  readonly isReadOnly: boolean;
  /** Bytes that take storage, and those that are known to be zeroes. */
  readonly dataBytes: number;
  readonly zeroBytes: number;
}

export async function info(address: string, { timeoutMs, json }: InfoOptions): Promise<void> {
  const domain = createCommandDomain('idc block info');
  const interrupt = onInterrupt();
  try {
    const { signal } = interrupt;
    const device = await openAddress(domain, address, { connectMs: timeoutMs, timeoutMs, signal });
    const facts = await look(address, device, signal);
    print(json ? JSON.stringify(facts) : describe(facts));
    await device.close();
  } catch (error) {
    throw failureOf(error);
  } finally {
    interrupt.stop();
    await domain.close();
  }
}

async function look(address: string, device: BlockDevice, signal: AbortSignal): Promise<Facts> {
  const { byteLength, blockBytes, isReadOnly } = device;
  let [dataBytes, zeroBytes] = [0, 0];
  for (let place = 0; place < byteLength && !signal.aborted;) {
    for (const extent of await device.status(place, byteLength - place)) {
      place += extent.byteLength;
      if (!extent.isHole) dataBytes += extent.byteLength;
      if (extent.isZero) zeroBytes += extent.byteLength;
    }
  }
  return { address, byteLength, blockBytes, isReadOnly, dataBytes, zeroBytes };
}

function describe(facts: Facts): string {
  const { address, byteLength, blockBytes, isReadOnly, dataBytes, zeroBytes } = facts;
  return [
    `${address}${isReadOnly ? ' (read-only)' : ''}`,
    `  size   ${describeBytes(byteLength)} (${byteLength} bytes) in blocks of ${blockBytes}`,
    `  taken  ${describeBytes(dataBytes)}, known zeroes ${describeBytes(zeroBytes)}`,
  ].join('\n');
}
