/**
 * The other process of a test: carries out one order after another, as `orders.ts` names them, and
 * answers each. It ends with its parent.
 */
import assert from 'node:assert/strict';

import { receiveDescriptor, sendDescriptor } from '../../transports/ring/descriptor-passing.js';
import { MappedOwnMemory } from '../../transports/ring/mapped-memory.js';
import { MappedRanges } from '../../transports/ring/mapped-ranges.js';
import { openPassedMemory, openPeerMemory } from '../../transports/ring/peer-memory.js';
import type { PeerMemory, PeerOpening } from '../../transports/ring/region.js';
import {
  acceptUnix,
  dialUnix,
  listenUnix,
  peerCredentials,
  type UnixListener,
} from '../../transports/ring/unix-socket.js';
import { makeToken, requireNative, ringBytes } from '../unit/ring-memory-rig.js';
import { announcementOf, type Answer, type Introduced, type Order } from './orders.js';

const native = requireNative();
const ranges = new MappedRanges(native);
let own: MappedOwnMemory | undefined = undefined;
let peer: PeerMemory | undefined = undefined;
let listener: UnixListener | undefined = undefined;
let socket = -1;

function make(token: readonly number[], mark: number): Answer {
  const made = MappedOwnMemory.create(native, ranges, { ringBytes, token: Uint8Array.from(token) });
  if (typeof made === 'string') return { outcome: made };
  made.views.words[0] = mark;
  own = made;
  const { descriptor, byteLength } = made;
  const introduced: Introduced = { pid: process.pid, descriptor, ringBytes, byteLength, token };
  return { outcome: 'made', introduced };
}

function describe(opening: PeerOpening): Answer {
  if (opening.outcome !== 'opened') return { outcome: `${opening.outcome}: ${opening.reason}` };
  peer = opening.memory;
  return { outcome: 'opened', mark: peer.views.words[0] ?? 0 };
}

function take(place: Introduced): Answer {
  const taken = receiveDescriptor(native, socket, new Uint8Array(8));
  if (typeof taken === 'string') return { outcome: taken };
  return describe(openPassedMemory(native, ranges, taken.descriptor, announcementOf(place)));
}

function pass(): Answer {
  assert.ok(own);
  const sent = sendDescriptor(native, socket, own.descriptor, Uint8Array.of(1));
  return { outcome: typeof sent === 'string' ? sent : 'passed' };
}

function listen(name: string): Answer {
  const result = listenUnix(native, name);
  if (typeof result === 'string') return { outcome: result };
  listener = result;
  return { outcome: 'listening' };
}

function dial(name: string): Answer {
  const result = dialUnix(native, name);
  if (typeof result === 'string') return { outcome: result };
  socket = result;
  return { outcome: 'connected' };
}

function accept(): Answer {
  assert.ok(listener);
  const result = acceptUnix(native, listener.descriptor);
  if (typeof result === 'string') return { outcome: result };
  socket = result;
  return { outcome: 'connected' };
}

function leave(): Answer {
  if (listener === undefined) return { outcome: 'none' };
  listener.remove();
  native.close(listener.descriptor);
  listener = undefined;
  return { outcome: 'left' };
}

function credentials(): Answer {
  const found = peerCredentials(native, socket);
  return found === undefined ? { outcome: 'none' } : { outcome: 'found', credentials: found };
}

function scribble(): Answer {
  assert.ok(peer);
  Atomics.store(peer.views.words, 0, -1);
  return { outcome: 'survived' };
}

function exhaust(): Answer {
  const memories: MappedOwnMemory[] = [];
  for (;;) {
    const made = MappedOwnMemory.create(native, ranges, { ringBytes, token: makeToken(1) });
    if (made instanceof MappedOwnMemory) {
      memories.push(made);
      continue;
    }
    for (const memory of memories) memory.release();
    const again = MappedOwnMemory.create(native, ranges, { ringBytes, token: makeToken(1) });
    const count = again instanceof MappedOwnMemory ? memories.length : 0;
    return { outcome: made, count };
  }
}

/** Tells the parent once that it is in full swing. */
function churn(names: readonly string[]): never {
  process.send?.({ outcome: 'churning' } satisfies Answer);
  for (let number = 1; ; number++) {
    const [made, mapped] = [new MappedRanges(native), new MappedRanges(native)];
    const memory = MappedOwnMemory.create(native, made, { ringBytes, token: makeToken(number) });
    assert.ok(memory instanceof MappedOwnMemory);
    const { descriptor, byteLength, token } = memory;
    const place = { pid: process.pid, descriptor };
    openPeerMemory(native, mapped, place, { ringBytes, byteLength, token });
    for (const name of names) {
      const listening = listenUnix(native, name);
      if (typeof listening === 'string') assert.fail(`${name}: ${listening}`);
      const dialled = dialUnix(native, name);
      assert.ok(typeof dialled === 'number');
      listening.remove();
      native.close(listening.descriptor);
      native.close(dialled);
    }
    // The mapping of half of them stays, so that a death finds some.
    if (number % 2 === 0) memory.release();
    else memory.closeDescriptor();
  }
}

function carryOut(order: Order): Answer {
  switch (order.order) {
    case 'become':
      process.setgroups?.([]);
      process.setgid?.(order.user);
      process.setuid?.(order.user);
      return { outcome: 'became' };
    case 'make':
      return make(order.token, order.mark);
    case 'open': {
      const { place } = order;
      return describe(openPeerMemory(native, ranges, place, announcementOf(place)));
    }
    case 'take':
      return take(order.place);
    case 'pass':
      return pass();
    case 'listen':
      return listen(order.name);
    case 'dial':
      return dial(order.name);
    case 'accept':
      return accept();
    case 'leave':
      return leave();
    case 'credentials':
      return credentials();
    case 'scribble':
      return scribble();
    case 'exhaust':
      return exhaust();
    case 'churn':
      return churn(order.names);
  }
}

process.on('message', (order: Order) => process.send?.(carryOut(order)));
process.on('disconnect', () => process.exit(0));
