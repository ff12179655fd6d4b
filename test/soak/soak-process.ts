/** One process of a soak over TCP: `node --expose-gc soak-process.js OPTIONS`, made by `Worker`. */
import { createDomain, type Listener } from 'idc';
import { tcp } from 'idc/tcp';

import { crowdLimits, hostCrowd } from './crowd.js';
import {
  countDescriptors,
  countEndpoints,
  countTimers,
  noTally,
  takeSample,
  untilSettled,
  type Holder,
  type Sample,
  type Tally,
} from './sample.js';
import { forgetMs, frameBytesMax, lastingCount, limits, quota, sendBytes } from './setup.js';
import type { SoakAnswer, SoakCommand, SoakOptions } from './setup.js';
import { Station } from './station.js';

const anyPort = 'tcp://127.0.0.1:0/soak';

interface Subject {
  readonly holder: Holder;
  readonly tally: Tally;
  /** Endpoints, listeners and armed timers when it rests. */
  readonly endpoints: number;
  readonly listeners: number;
  readonly timers: number;
  begin(): void;
  rest(): Promise<void>;
}

function tell(answer: SoakAnswer): void {
  process.send?.(answer);
}

function makeStation(options: SoakOptions): Subject {
  const { role, seed, address } = options;
  const domain = createDomain({
    name: role,
    transports: [tcp({ frameBytesMax, sendBytes })],
    quota,
    limits,
  });
  const station = new Station(domain, seed);
  const isBack = role === 'back';
  if (isBack) void station.listen(anyPort, forgetMs).then((real) => tell({ address: real }));
  else station.dial(address, lastingCount);
  return {
    holder: station,
    tally: station.tally,
    endpoints: lastingCount,
    listeners: isBack ? 1 : 0,
    // The keep-alive of the one peer.
    timers: 1,
    begin: () => {
      station.begin(isBack ? undefined : address);
    },
    rest: () => station.rest(isBack ? 0 : lastingCount),
  };
}

function makeHall(): Subject {
  const tally = noTally();
  const transports = [tcp({ frameBytesMax: 1024, sendBytes: 4096 })];
  const domain = createDomain({ name: 'hall', transports, limits: crowdLimits });
  const listener: Listener = hostCrowd(domain, anyPort, () => {
    tally.diallers++;
  });
  void listener.ready.then((real) => {
    tell({ address: real });
  });
  const holder = {
    domain,
    get acceptedCount(): number {
      return listener.endpoints.length;
    },
  };
  return {
    holder,
    tally,
    endpoints: 0,
    listeners: 1,
    timers: 0,
    begin: () => undefined,
    rest: () => Promise.resolve(),
  };
}

// reason: the parent made the text from this type
const options = JSON.parse(process.argv[2] ?? '') as SoakOptions;
const descriptorsBefore = countDescriptors();
const subject = options.role === 'hall' ? makeHall() : makeStation(options);

async function rest(): Promise<Sample> {
  const { holder, tally, endpoints, listeners, timers } = subject;
  await subject.rest();
  const descriptors = descriptorsBefore + endpoints + listeners;
  await untilSettled(
    () =>
      countEndpoints([holder]) === endpoints &&
      countTimers([holder]) === timers &&
      countDescriptors() === descriptors,
  );
  return takeSample([holder], tally);
}

async function perform(command: SoakCommand): Promise<SoakAnswer> {
  switch (command) {
    case 'begin':
      subject.begin();
      return {};
    case 'rest':
      return { sample: await rest() };
    case 'close':
      await subject.holder.domain.close();
      return {};
  }
}

process.on('message', (command: SoakCommand) => {
  void perform(command).then(tell);
});
process.once('disconnect', () => process.exit());
// The channel alone keeps no process alive: after `close` the process ends by itself.
process.channel?.unref();
