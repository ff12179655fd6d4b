/** The simulated transport obeys the transport contract, in any weather that the laws allow. */
import { makeAddress } from '../../core/contract.js';
import { Life } from '../simulation/life.js';
import { Random } from '../simulation/prng.js';
import { SimulatedNetwork } from '../simulation/simulated-network.js';
import { simulated } from '../simulation/simulated-transport.js';
import { drive, VirtualTime } from '../simulation/virtual-time.js';
import { calmWeather, type Weather } from '../simulation/weather.js';
import { runTransportCompliance, type TransportHarness } from './index.js';
import { seedOfThisRun } from './random.js';

interface Climate {
  readonly weather: Weather;
  /** What a link holds in one direction. */
  readonly windowBytes: number;
  /** Longer than anything is on its way, and much shorter than `closeMs`. */
  readonly settleMs: number;
}

/** A whole network on a virtual clock of its own. */
function makeHarness({ weather, windowBytes, settleMs }: Climate): TransportHarness {
  const random = new Random(seedOfThisRun());
  const time = new VirtualTime();
  const network = new SimulatedNetwork({ random: random.fork('network') });
  network.weather = weather;
  const factory = simulated({ network, host: 'here', windowBytes });
  const runtime = time.runtimeOf(new Life('here'), random.fork('runtime'));
  let nameCount = 0;
  // Some tests wait for a promise alone, so the world goes on by itself, too.
  const pump = setInterval(() => time.step(), 1);
  return {
    runtime,
    listener: factory,
    dialler: factory,
    raw: undefined,
    listenAddress: () => makeAddress('simulated', `hub-${(nameCount += 1)}`, ''),
    dialAddress: (listening) => Promise.resolve(listening),
    absentAddress: () => Promise.resolve(makeAddress('simulated', 'nobody', '')),
    settle: () => {
      let isOver = false;
      runtime.scheduler.after(settleMs, () => {
        isOver = true;
      });
      return drive(time, () => isOver);
    },
    sever: () => {
      network.sever(undefined, 1, 20);
    },
    dispose: () => {
      clearInterval(pump);
      return Promise.resolve();
    },
  };
}

const roughWeather: Weather = {
  ...calmWeather,
  delayMs: [0, 30],
  jitterMs: 40,
  refusedClaims: 0.3,
};

runTransportCompliance('simulated', () =>
  makeHarness({ weather: calmWeather, windowBytes: 65_536, settleMs: 4 }),
);
runTransportCompliance('rough simulated', () =>
  makeHarness({ weather: roughWeather, windowBytes: 5_000, settleMs: 90 }),
);
