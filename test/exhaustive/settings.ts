/** The settings of the exploration: where it starts, how deep it goes, and what may happen. */
import type { Setting } from './explorer.js';

/**
 * States that are many undisturbed steps away from the first one; exploring from each of them
 * reaches deep without trying everything on the way. The first link is the number 1.
 */
const accepted = 'arrive B 1, deliver A 1, deliver B 1, deliver B 1, deliver A 1, deliver A 1';
const connected = `${accepted}, deliver B 1`;
export const starts: Readonly<Record<StartName, string>> = {
  /** Both domains are there, and the first dial is on its way. */
  fresh: '',
  /** The dialler's epoch is open; its confirmation is on its way. */
  confirming: accepted,
  /** The epoch is open at both ends. */
  connected,
  /** Both ends lost it, and both clients are draining. */
  draining: `${connected}, lose A 1, lose B 1`,
  /** The dialler started anew, and the listener has noticed nothing. */
  'dialler-restarted': `${connected}, crash A, restart A`,
  'listener-restarted': `${connected}, crash B, restart B`,
  /** One end has asked for a sign of life, in vain so far. */
  'dialler-asking': `${connected}, wait A, wait A, wait A, wait A`,
  'listener-asking': `${connected}, wait B, wait B, wait B, wait B`,
};
export type StartName =
  | 'fresh'
  | 'confirming'
  | 'connected'
  | 'draining'
  | 'dialler-restarted'
  | 'listener-restarted'
  | 'dialler-asking'
  | 'listener-asking';

export interface Reach {
  readonly start: StartName;
  readonly depth: number;
  readonly faultsMax: number;
  readonly hasWork: boolean;
}

/** Every reach with and without an identity that the transport proves. */
export function makeSettings(reaches: readonly Reach[]): Setting[] {
  return reaches.flatMap(({ start, depth, faultsMax, hasWork }) =>
    [false, true].map((provesIdentity) => ({
      name: nameOf(start, hasWork, provesIdentity),
      provesIdentity,
      hasWork,
      start: starts[start],
      depth,
      faultsMax: Math.min(faultsMax, depth),
    })),
  );
}

function nameOf(start: StartName, hasWork: boolean, provesIdentity: boolean): string {
  const work = hasWork ? 'with work' : 'handshake';
  return `${start}, ${work}, identity ${provesIdentity ? 'proven' : 'by token'}`;
}

/** No limit but the depth. */
export const anyFaults: number = Infinity;

/** What `npm test` explores: everything to a small depth, and few faults to a greater one. */
export const testReaches: readonly Reach[] = [
  { start: 'fresh', depth: 6, faultsMax: anyFaults, hasWork: false },
  { start: 'confirming', depth: 4, faultsMax: anyFaults, hasWork: false },
  { start: 'connected', depth: 4, faultsMax: anyFaults, hasWork: false },
  { start: 'draining', depth: 5, faultsMax: anyFaults, hasWork: false },
  { start: 'dialler-restarted', depth: 4, faultsMax: anyFaults, hasWork: false },
  { start: 'listener-restarted', depth: 5, faultsMax: anyFaults, hasWork: false },
  { start: 'dialler-asking', depth: 4, faultsMax: anyFaults, hasWork: false },
  { start: 'listener-asking', depth: 4, faultsMax: anyFaults, hasWork: false },
  { start: 'fresh', depth: 14, faultsMax: 1, hasWork: false },
  { start: 'connected', depth: 10, faultsMax: 1, hasWork: false },
  { start: 'confirming', depth: 3, faultsMax: anyFaults, hasWork: true },
  { start: 'connected', depth: 3, faultsMax: anyFaults, hasWork: true },
  { start: 'connected', depth: 4, faultsMax: 1, hasWork: true },
  { start: 'connected', depth: 5, faultsMax: 0, hasWork: true },
  { start: 'listener-asking', depth: 3, faultsMax: anyFaults, hasWork: true },
];

/** The deeper run: each start to one depth. */
export function deepReaches(depth: number, faultsMax: number, hasWork: boolean): Reach[] {
  // reason: the keys of a record are its keys
  const names = Object.keys(starts) as StartName[];
  return names.map((start) => ({ start, depth, faultsMax, hasWork }));
}
