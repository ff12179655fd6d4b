/** Where a block device is, as users say it: an address or a file. */
import { statSync } from 'node:fs';
import type { Domain } from 'idc';
import {
  BlockError,
  openFileDevice,
  openRemoteDevice,
  type BlockDevice,
  type FileDeviceOptions,
  type OpenRemoteDeviceOptions,
  type RemoteDevice,
} from 'idc/drivers/block';
import { requireAddress } from './address.js';
import { ExitCode, Failure } from './failure.js';

/** True if there is a file of that name, of whatever kind. */
export function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

interface OpenAddressOptions extends OpenRemoteDeviceOptions {
  readonly connectMs: number;
  readonly signal: AbortSignal;
}

/** The device behind an address; fails with what to do. */
export async function openAddress(
  domain: Domain,
  address: string,
  options: OpenAddressOptions,
): Promise<RemoteDevice> {
  requireAddress(address);
  try {
    return await openRemoteDevice(domain, address, options);
  } catch (error) {
    if (!(error instanceof BlockError)) throw error;
    if (options.signal.aborted) throw new Failure(`${address}: interrupted`, ExitCode.Unreachable);
    const reason = reasonOf(error);
    throw new Failure(`${reason}; is a block device served there?`, ExitCode.Unreachable);
  }
}

/** The device in a file; fails with what to do. */
export async function openFile(path: string, options: FileDeviceOptions): Promise<BlockDevice> {
  try {
    return await openFileDevice(path, options);
  } catch (error) {
    if (!(error instanceof BlockError)) throw error;
    const advice = error.code === 'MISALIGNED' ? '; --block-size 1 takes it as it is' : '';
    throw new Failure(`${reasonOf(error)}${advice}`);
  }
}

/** What a device said, as a failure of the command. */
export function failureOf(error: unknown): unknown {
  return error instanceof BlockError ? new Failure(reasonOf(error)) : error;
}

/** Without the code, which is for programs. */
function reasonOf({ message, code }: BlockError): string {
  return message.replace(`${code}: `, '');
}
