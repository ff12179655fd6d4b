/** Addresses as users give them to a command. */
import { ExitCode, Failure } from './failure.js';

/** What each transport of the command takes for an address; whether it leads anywhere, it says. */
const forms: readonly RegExp[] = [
  /^tcp:\/\/(?:\[[^\]/]+\]|[^/:[\]]+):\d{1,5}(?:\/|$)/iu,
  /^ring:\/\/[^/]+(?:\/|$)/iu,
];

/** What help and complaints say that an address looks like. */
export const addressForm: string = 'tcp://HOST:PORT/SERVICE or ring://NAME/SERVICE';

/** True if a place is no file but an address, whether one that can be reached or not. */
export function isAddress(place: string): boolean {
  return place.includes('://');
}

/** Fails with what is wrong with an address, if a command cannot reach what is there at all. */
export function requireAddress(address: string): void {
  if (forms.some((form) => form.test(address))) return;
  throw new Failure(`${address}: not an address; expected ${addressForm}`, ExitCode.Usage);
}
