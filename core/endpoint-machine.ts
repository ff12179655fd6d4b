/**
 * The lifecycle of an endpoint: one table and one pure step. No I/O, no time, no callbacks.
 *
 * It keeps the grammar `( appear ( connect disconnect )* disappear )* destroyed`. Who steps it
 * performs the notices afterwards. ARCHITECTURE.md prints the same table; a test compares the two.
 *
 *   found    a link to the peer's endpoint answered
 *   lost     the peer refused, said goodbye for good, or no new link came within lingerMs
 *   agreed   both sides ended the previous epoch and chose a new one
 *   ended    the epoch's link is gone, corrupt or silent, or the peer left the epoch
 *   drained  nothing of the epoch is outstanding on this side, and its client has drained
 *   destroy  the owner gives the endpoint up
 */
import { fail } from './assert.js';

export type EndpointState =
  'absent' | 'appeared' | 'connected' | 'draining' | 'drainingLost' | 'drainingFinal' | 'destroyed';

export const endpointStates: readonly EndpointState[] = [
  'absent',
  'appeared',
  'connected',
  'draining',
  'drainingLost',
  'drainingFinal',
  'destroyed',
];

export const endpointEvents = ['found', 'lost', 'agreed', 'ended', 'drained', 'destroy'] as const;
export type EndpointEvent = (typeof endpointEvents)[number];

/** What the client is told. */
export type Notice = 'appear' | 'connect' | 'disconnect' | 'disappear';

export interface Transition {
  readonly next: EndpointState;
  readonly notice: Notice | undefined;
}

type Cell = Transition | 'ignore' | 'illegal';

function to(next: EndpointState, notice?: Notice): Transition {
  return Object.freeze({ next, notice });
}

/** One row per state, one cell per event. `ignore`: nothing happens. `illegal`: a bug of ours. */
export const endpointTable: Readonly<Record<EndpointState, Readonly<Record<EndpointEvent, Cell>>>> =
  {
    absent: {
      found: to('appeared', 'appear'),
      lost: 'ignore',
      agreed: 'illegal',
      ended: 'ignore',
      drained: 'illegal',
      destroy: to('destroyed'),
    },
    appeared: {
      found: 'ignore',
      lost: to('absent', 'disappear'),
      agreed: to('connected', 'connect'),
      ended: 'ignore',
      drained: 'illegal',
      destroy: to('destroyed', 'disappear'),
    },
    connected: {
      found: 'ignore',
      lost: to('drainingLost', 'disconnect'),
      agreed: 'illegal',
      ended: to('draining', 'disconnect'),
      drained: 'illegal',
      destroy: to('drainingFinal', 'disconnect'),
    },
    draining: {
      found: 'ignore',
      lost: to('drainingLost'),
      agreed: 'illegal',
      ended: 'ignore',
      drained: to('appeared'),
      destroy: to('drainingFinal'),
    },
    drainingLost: {
      found: to('draining'),
      lost: 'ignore',
      agreed: 'illegal',
      ended: 'ignore',
      drained: to('absent', 'disappear'),
      destroy: to('drainingFinal'),
    },
    drainingFinal: {
      found: 'ignore',
      lost: 'ignore',
      agreed: 'illegal',
      ended: 'ignore',
      drained: to('destroyed', 'disappear'),
      destroy: 'ignore',
    },
    destroyed: {
      found: 'ignore',
      lost: 'ignore',
      agreed: 'illegal',
      ended: 'ignore',
      drained: 'illegal',
      destroy: 'ignore',
    },
  };

/** The transition for `event` in `state`; undefined if it is ignored. Asserts that it is legal. */
export function step(state: EndpointState, event: EndpointEvent): Transition | undefined {
  const cell = endpointTable[state][event];
  if (cell === 'illegal') fail(`${event} in state ${state}`, 'ILLEGAL_EVENT');
  return cell === 'ignore' ? undefined : cell;
}

/** True while an epoch's work may still be outstanding on this side. */
export function isDraining(state: EndpointState): boolean {
  return state === 'draining' || state === 'drainingLost' || state === 'drainingFinal';
}
