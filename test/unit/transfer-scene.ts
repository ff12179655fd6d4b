/** An owner and a holder on a channel, and buffers that the owner registered. */
import assert from 'node:assert/strict';
import type { RegisterOptions } from '../../core/transfer/register-options.js';
import type { RegisteredBuffer } from '../../core/transfer/registration.js';
import { TransferRig, type Party, type PartyOptions, type RigChannel } from './transfer-rig.js';

export const bufferBytes = 10_000;

export interface Scene {
  readonly rig: TransferRig;
  readonly owner: Party;
  readonly holder: Party;
  /** The holder's end, and the owner's. */
  readonly channel: RigChannel;
  readonly ownerEnd: RigChannel;
}

/** An owner and a holder on a channel; the test ends with both closed and nothing crashed. */
export async function withScene(
  run: (scene: Scene) => Promise<void>,
  options: PartyOptions = {},
): Promise<void> {
  const rig = new TransferRig();
  const owner = rig.add('owner', options);
  const holder = rig.add('holder');
  const [channel, ownerEnd] = await rig.connect(holder, owner);
  await run({ rig, owner, holder, channel, ownerEnd });
  const { transactionsReceived } = ownerEnd.endpoint.statistics();
  const { transactionsSettled } = channel.endpoint.statistics();
  assert.equal(transactionsSettled, transactionsReceived, 'each request is answered once');
  await rig.close();
}

export function pattern(byteLength: number, first = 1): Uint8Array {
  return Uint8Array.from({ length: byteLength }, (_, index) => first + index * 7);
}

export function register(
  { owner }: Scene,
  local: Uint8Array | readonly Uint8Array[] = pattern(bufferBytes),
  options: Partial<RegisterOptions> = {},
): RegisteredBuffer {
  return owner.registrations.register(local, { access: 'readWrite', ...options });
}
