/**
 * Addresses as users give them to a command. What is one the library says; this adds what the
 * command reaches, so that wrong use is told at once and not looked for until a time limit.
 */
import { IdcError } from 'idc';
import { parseAddress } from 'idc/contract';
import { addressForm } from './address-form.js';
import { ExitCode, Failure } from './failure.js';

/** By scheme, what a place looks like; whether it leads anywhere, its transport says. */
const placeForms: ReadonlyMap<string, RegExp> = new Map([
  ['tcp', /^(?:\[[^\]]+\]|[^:[\]]+):\d{1,5}$/u],
  ['ring', /./u],
]);

/** True if a place is no file but an address, whether one that can be reached or not. */
export function isAddress(place: string): boolean {
  return place.includes('://');
}

/** Fails with what is wrong with an address, if a command cannot reach what is there at all. */
export function requireAddress(address: string): void {
  if (isForCommands(address)) return;
  throw new Failure(`${address}: not an address; expected ${addressForm}`, ExitCode.Usage);
}

function isForCommands(text: string): boolean {
  try {
    const { scheme, authority } = parseAddress(text);
    return placeForms.get(scheme)?.test(authority) ?? false;
  } catch (error) {
    if (error instanceof IdcError) return false;
    throw error;
  }
}
