/** The owner's side of a Read whose data goes by a bulk lane: an access that spans turns. */
import type { LaneEnd } from './lane-end.js';
import type { Holder } from './register-uses.js';
import type { Grant } from './registration.js';

/**
 * Sends the granted bytes as the body with that number; false if the lane takes nothing. Until
 * `released` is told, exactly once, the lane reads the buffer; `unregister` takes it back in
 * bounded time, by closing the lane if need be, and nothing that is stored later goes anywhere.
 */
export function sendRead(
  lane: LaneEnd | undefined,
  number: number,
  { registration, offset }: Grant,
  holder: Holder,
  byteLength: number,
  released: (wasSent: boolean) => void,
): boolean {
  if (lane?.isUp !== true) return false;
  const access = registration.begin(holder, 'read', offset, byteLength, () => {
    lane.hurry();
  });
  if (access === undefined) return false;
  const outgoing = {
    released: (wasSent: boolean): void => {
      access.end();
      if (wasSent) registration.note(holder, 'read', byteLength);
      released(wasSent);
    },
  };
  const isSent = lane.send(lane.heads.read(number), access.bytes, outgoing, false);
  if (!isSent) access.end();
  return isSent;
}
