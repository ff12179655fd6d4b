/** The fault injector around the memory transport obeys the transport contract. */
import { makeAddress } from '../../core/contract.js';
import { createMemoryNetwork, memory } from '../../transports/memory/index.js';
import { injectFaults, type InjectedFaults } from '../simulation/fault-injector.js';
import { Life } from '../simulation/life.js';
import { Random } from '../simulation/prng.js';
import { drive, VirtualTime } from '../simulation/virtual-time.js';
import { runTransportCompliance, type TransportHarness } from './index.js';
import { seedOfThisRun } from './random.js';

/** `settleMs` is longer than anything is on its way, and much shorter than `closeMs`. */
function makeHarness(faults: Partial<InjectedFaults>, settleMs: number): TransportHarness {
  const random = new Random(seedOfThisRun());
  const time = new VirtualTime();
  const runtime = time.runtimeOf(new Life('here'), random.fork('runtime'));
  const network = createMemoryNetwork();
  const factory = injectFaults(memory({ network }), random.fork('faults'), faults);
  let nameCount = 0;
  // Some tests wait for a promise alone, so the world goes on by itself, too.
  const pump = setInterval(() => time.step(), 1);
  return {
    runtime,
    listener: factory,
    dialler: factory,
    raw: undefined,
    listenAddress: () => makeAddress('memory', `hub-${(nameCount += 1)}`, ''),
    dialAddress: (listening) => Promise.resolve(listening),
    absentAddress: () => Promise.resolve(makeAddress('memory', 'nobody', '')),
    settle: () => {
      let isOver = false;
      runtime.scheduler.after(settleMs, () => {
        isOver = true;
      });
      return drive(time, () => isOver);
    },
    sever: () => {
      network.sever();
    },
    dispose: () => {
      clearInterval(pump);
      return Promise.resolve();
    },
  };
}

runTransportCompliance('injected memory without faults', () => makeHarness({}, 1));
runTransportCompliance('injected memory with delays and refusals', () =>
  makeHarness({ delayMs: [0, 5], clogs: 0.01, clogMs: 40, refusedClaims: 0.2 }, 60),
);
