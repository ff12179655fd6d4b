/**
 * The front end of a remote block device: a `BlockDevice` whose bytes are wherever its address
 * leads. It can be served in turn, like any other.
 *
 * While the back end is away operations wait, and what was under way is submitted again once it is
 * back; so users see that it takes longer, and no error before `timeoutMs`. Short operations carry
 * their bytes; for longer ones the memory of the caller is lent for as long as they last.
 */
import type { Domain, EndpointOptions, Runtime } from 'idc';
import { createFrontEnd, type ItemCounts } from 'idc/drivers/kit';
import { blockProtocol } from './protocol.js';
import { RemoteBlockDevice, type RemoteDevice } from './remote-device.js';

export interface OpenRemoteDeviceOptions {
  /** From an operation to its end, however often the back end is lost meanwhile. Default 30,000. */
  readonly timeoutMs?: number;
  /** How long to wait for the back end at first. Default: `timeoutMs`. */
  readonly connectMs?: number;
  /** Gives the opening up. */
  readonly signal?: AbortSignal;
  /** How many items may be outstanding; more operations wait. */
  readonly counts?: ItemCounts;
  readonly endpoint?: Pick<EndpointOptions, 'name' | 'limits'>;
  /** The domain's, if that was given one. */
  readonly runtime?: Runtime;
}

const timeoutMsDefault = 30_000;

/** Resolves when the back end at `address` told what the device is; rejects with a `BlockError`. */
export async function openRemoteDevice(
  domain: Domain,
  address: string,
  options: OpenRemoteDeviceOptions = {},
): Promise<RemoteDevice> {
  const { timeoutMs = timeoutMsDefault, connectMs = timeoutMs, signal, ...rest } = options;
  const frontEnd = createFrontEnd(domain, address, blockProtocol, {
    ...rest,
    timeoutMs,
    recover: true,
    // Any number of operations may be outstanding: it is their callers who bound it.
    queueMax: Infinity,
  });
  const device = new RemoteBlockDevice(domain, address, frontEnd);
  await device.start(connectMs, signal);
  return device;
}
