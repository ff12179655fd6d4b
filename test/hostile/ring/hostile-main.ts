/** The hostile process: `node hostile-main.js OPTIONS`. It ends once it has done enough. */
import { createDomain, type Endpoint, type EndpointHandlers } from 'idc';

import { parseAddress } from '../../../core/contract.js';
import { ring } from '../../../transports/ring/index.js';
import { between, createRandom, type Random } from '../../compliance/random.js';
import { turnEventLoop } from '../../compliance/harness.js';
import { makeRawMedium, RingRawPeer } from '../../compliance/ring-raw-peer.js';
import { Control } from '../../../transports/ring/ring-layout.js';
import { hostileRing } from './hostile-transport.js';
import { Mischief } from './mischief.js';
import { limits, quota, ringBytes, type HostileOptions } from './victim.js';

const endpointsAtOnce = 16;
/** What a raw peer does to one link before it tries another. */
const rawWritesMax = 4000;
const burstMax = 12;

// reason: the test made the text from this type
const options = JSON.parse(process.argv[2] ?? '') as HostileOptions;
const random = createRandom(options.seed);

function randomBody(bytesMax: number): Uint8Array {
  const isLong = between(random, 0, 3) === 0;
  return new Uint8Array(between(random, 0, isLong ? bytesMax : 64)).fill(between(random, 0, 255));
}

function submit(endpoint: Endpoint): void {
  for (let count = between(random, 1, burstMax); count > 0; count--) {
    if (between(random, 0, 1) === 0) endpoint.submitMessage(randomBody(quota.messageBytes));
    else endpoint.transact(randomBody(quota.parameterBytes), () => undefined, undefined, 1000);
  }
}

/** As a client of the core: legal, but for what the mischief makes of it. */
async function useCore(mischief: Mischief): Promise<void> {
  const transports = [hostileRing(ring({ ringBytes }), mischief)];
  const hasty = { ...limits, dialMinMs: 1, dialMaxMs: 2, lingerMs: 1 };
  const domain = createDomain({ name: 'hostile', transports, quota, limits: hasty });
  const handlers: EndpointHandlers = {
    message: (message) => {
      message.complete();
    },
    transaction: (transaction) => {
      transaction.complete(randomBody(quota.statusBytes));
    },
  };
  const make = (): Endpoint => domain.createEndpoint(options.address, handlers);
  const endpoints = Array.from({ length: endpointsAtOnce }, make);
  for (let turns = 1; mischief.count < options.count; turns++) {
    for (const endpoint of endpoints) if (endpoint.state === 'connected') submit(endpoint);
    await turnEventLoop(1);
    // Those that were refused would wait before they dial again.
    const at = turns % endpointsAtOnce;
    const endpoint = endpoints[at];
    if (endpoint === undefined || endpoint.lastFault === undefined) continue;
    if (endpoint.state === 'connected') continue;
    void endpoint.destroy();
    endpoints[at] = make();
  }
}

/** Anything, anywhere: memory, positions and socket. Answers the words that were written. */
function scribble(peer: RingRawPeer, draw: Random): number {
  const { control, words } = peer.own;
  const count = between(draw, 1, rawWritesMax);
  for (let done = 0; done < count; done++) {
    const where = between(draw, 0, 255);
    const word = between(draw, 0, 1) === 0 ? between(draw, -1, 64) : draw() | 0;
    if (where > 3) words[between(draw, 0, where > 100 ? 63 : words.length - 1)] = word;
    else if (where === 3) control[between(draw, 0, control.length - 1)] = word;
    else if (where === 2) Atomics.store(control, Control.Sleep, word);
    else if (where === 1) peer.publish(between(draw, 0, 64) * 8);
    else peer.wire.send(new Uint8Array(between(draw, 1, 64)).fill(word));
  }
  if (between(draw, 0, 1) === 0) Atomics.store(control, Control.Ended, draw() | 0);
  if (between(draw, 0, 1) === 0) Atomics.store(control, Control.Consumed, draw() | 0);
  peer.publish(between(draw, 0, 1) === 0 ? ringBytes : draw() | 0);
  return count;
}

async function useHands(): Promise<void> {
  const medium = makeRawMedium('mapped');
  const address = parseAddress(options.address);
  for (let written = 0; written < options.count;) {
    const peer = await RingRawPeer.dial(medium, address, ringBytes);
    written += scribble(peer, random);
    await turnEventLoop(between(random, 0, 3));
    peer.dispose();
  }
}

if (options.task === 'raw') await useHands();
else await useCore(new Mischief(random, options.task === 'structured'));
process.exit(0);
