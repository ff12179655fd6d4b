/** The gate before an authority: order, places, and a crowd of endpoints that all get through. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createDomain } from 'idc';
import {
  ClaimRefusal,
  Fault,
  type Link,
  type LinkSink,
  type Transport,
  type TransportFactory,
} from 'idc/contract';
import { DialGate, Knocker } from '../../core/dial-gate.js';
import { VirtualRuntime } from './virtual-runtime.js';

const placeCount = 512;

class Rig {
  readonly gate = new DialGate();
  readonly dialled: string[] = [];

  make(authority: string, name: string): Knocker {
    return new Knocker(this.gate, authority, () => this.dialled.push(name));
  }

  fill(authority: string): Knocker[] {
    const crowd = Array.from({ length: placeCount }, () => this.make(authority, 'crowd'));
    for (const knocker of crowd) knocker.knock();
    return crowd;
  }
}

describe('dial gate', () => {
  it('who finds a place dials at once; the rest in order, as places come free', () => {
    const rig = new Rig();
    const [first, second] = rig.fill('a');
    assert.equal(rig.dialled.length, placeCount);
    rig.dialled.length = 0;
    for (const name of ['x', 'y', 'z']) rig.make('a', name).knock();
    assert.deepEqual(rig.dialled, []);
    first?.leave();
    assert.deepEqual(rig.dialled, ['x']);
    first?.leave();
    assert.deepEqual(rig.dialled, ['x']);
    second?.leave();
    assert.deepEqual(rig.dialled, ['x', 'y']);
  });

  it('a full door delays nobody at another one', () => {
    const rig = new Rig();
    rig.fill('a');
    rig.dialled.length = 0;
    rig.make('b', 'other').knock();
    assert.deepEqual(rig.dialled, ['other']);
  });

  it('who leaves while waiting is passed over; knocking twice is knocking once', () => {
    const rig = new Rig();
    const [first, second] = rig.fill('a');
    rig.dialled.length = 0;
    const patient = rig.make('a', 'patient');
    const gone = rig.make('a', 'gone');
    gone.knock();
    gone.knock();
    patient.knock();
    gone.leave();
    first?.leave();
    second?.leave();
    assert.deepEqual(rig.dialled, ['patient']);
    patient.knock();
    assert.deepEqual(rig.dialled, ['patient']);
  });

  it('a dial that gives its place back at once lets the next one in', () => {
    const rig = new Rig();
    const [first] = rig.fill('a');
    rig.dialled.length = 0;
    const fleeting: Knocker = new Knocker(rig.gate, 'a', () => {
      rig.dialled.push('fleeting');
      fleeting.leave();
    });
    fleeting.knock();
    rig.make('a', 'next').knock();
    first?.leave();
    assert.deepEqual(rig.dialled, ['fleeting', 'next']);
  });
});

/** A medium on which nobody ever answers; it counts who dials, and can end a link. */
class DeafMedium {
  readonly opened: string[] = [];
  readonly #sinks: LinkSink[] = [];

  get factory(): TransportFactory {
    const link: Link = {
      claimBytes: new Uint8Array(0),
      claim: () => ClaimRefusal.Down,
      commit: () => undefined,
      abort: () => undefined,
      close: () => undefined,
    };
    const transport: Transport = {
      scheme: 'deaf',
      capabilities: { frameBytesMax: 1024, crossProcess: false, poll: 'full', bulk: 'inline' },
      open: (address, sink) => {
        this.opened.push(address.authority);
        this.#sinks.push(sink);
        return link;
      },
      listen: () => assert.fail('nobody listens'),
      poll: () => 0,
      park: () => true,
    };
    return { scheme: 'deaf', create: () => transport };
  }

  endFirst(): void {
    const sink = this.#sinks.shift();
    sink?.linkDown(Fault.Reset);
    sink?.closed();
  }
}

describe('endpoints of a domain', () => {
  const quota = { messages: 1, messageBytes: 8, transactions: 1, parameterBytes: 8 };

  it('a crowd dials one authority in turns, and another one at once', () => {
    const runtime = new VirtualRuntime();
    const medium = new DeafMedium();
    const domain = createDomain({
      name: 'front',
      transports: [medium.factory],
      runtime,
      wait: 'park',
      limits: { dialMinMs: 60_000, dialMaxMs: 60_000 },
    });
    for (let count = 0; count < placeCount + 3; count++) {
      domain.createEndpoint('deaf://crowded/service', {}, { quota });
    }
    domain.createEndpoint('deaf://empty/service', {}, { quota });
    runtime.advance(100);
    const countOf = (authority: string): number =>
      medium.opened.filter((opened) => opened === authority).length;
    assert.deepEqual([countOf('crowded'), countOf('empty')], [placeCount, 1]);
    medium.endFirst();
    medium.endFirst();
    runtime.advance(100);
    // One of both tries again at once, behind the one that still waits.
    assert.deepEqual([countOf('crowded'), countOf('empty')], [placeCount + 2, 1]);
  });

  it('an endpoint that is destroyed while it waits gives way to the next one', async () => {
    const runtime = new VirtualRuntime();
    const medium = new DeafMedium();
    const transports = [medium.factory];
    const domain = createDomain({ name: 'front', transports, runtime, wait: 'park' });
    const endpoints = Array.from({ length: placeCount + 2 }, () =>
      domain.createEndpoint('deaf://crowded/service', {}, { quota }),
    );
    runtime.advance(100);
    const waiting = endpoints[placeCount]?.destroy();
    runtime.advance(100);
    await waiting;
    medium.endFirst();
    runtime.advance(10);
    assert.equal(medium.opened.length, placeCount + 1);
    assert.equal(endpoints[placeCount]?.state, 'destroyed');
  });
});
