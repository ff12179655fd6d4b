/** `idc block nbd ADDRESS --listen PLACE`: a block device for every program that speaks NBD. */
import { IdcError } from 'idc';
import {
  serveNbd,
  sliceDevice,
  type BlockDevice,
  type NbdServer,
  type RemoteDevice,
} from 'idc/drivers/block';
import { openAddress } from './block-place.js';
import { Failure } from './failure.js';
import { onInterrupt, whenAborted } from './interrupt.js';
import { print } from './print.js';
import { createCommandDomain } from './transports.js';
import { describeBytes } from './units.js';

export interface NbdOptions {
  readonly listen: string;
  readonly name: string;
  readonly description?: string;
  readonly readOnly: boolean;
  readonly connectMs: number;
  readonly timeoutMs: number;
  readonly plaintextBeyondLoopback: boolean;
  readonly json: boolean;
}

/** A lost back end is looked for this often: its users are waiting. */
const dialMaxMs = 250;

export async function nbd(address: string, options: NbdOptions): Promise<void> {
  const domain = createCommandDomain('idc block nbd');
  const interrupt = onInterrupt();
  try {
    const device = await openAddress(domain, address, {
      connectMs: options.connectMs,
      timeoutMs: options.timeoutMs,
      signal: interrupt.signal,
      endpoint: { limits: { dialMaxMs } },
    });
    await serveUntil(interrupt.signal, device, options);
  } finally {
    interrupt.stop();
    await domain.close();
  }
}

async function serveUntil(
  interrupted: AbortSignal,
  device: RemoteDevice,
  options: NbdOptions,
): Promise<void> {
  const served = options.readOnly ? sliceDevice(device, { isReadOnly: true }) : device;
  const server = listen(served, options);
  try {
    const uri = await server.ready.catch(explain);
    announce(uri, device, served, options.json);
    await whenAborted(interrupted);
  } finally {
    await server.close();
    await device.close();
  }
}

function listen(device: BlockDevice, options: NbdOptions): NbdServer {
  const { name, description, plaintextBeyondLoopback } = options;
  const offered = { device, name, ...(description !== undefined && { description }) };
  return serveNbd({
    exports: [offered],
    listen: options.listen,
    plaintextBeyondLoopback: plaintextBeyondLoopback ? 'allow' : 'deny',
  });
}

function announce(uri: string, device: RemoteDevice, served: BlockDevice, json: boolean): void {
  const { byteLength, blockBytes, isReadOnly } = served;
  const { address } = device;
  const facts = { uri, address, byteLength, blockBytes, isReadOnly };
  const access = isReadOnly ? ', read-only' : '';
  const text = `${uri} serves ${describeBytes(byteLength)} of ${address}${access}`;
  print(json ? JSON.stringify(facts) : text);
}

/** Where it could not listen, and what to do. */
function explain(error: unknown): never {
  if (!(error instanceof IdcError)) throw error;
  // The first is the only refusal of our own; all others are the system's.
  const isOurs = error.reason.includes('plaintextBeyondLoopback');
  const advice = isOurs ? 'see --plaintext-beyond-loopback' : 'see --listen';
  throw new Failure(`${error.message}; ${advice}`);
}
