/** `idc/simulation`: the whole stack on a virtual clock and one seed. Re-exports only. */
export {
  simulate,
  type Simulation,
  type SimulationFaults,
  type SimulationResult,
} from './simulate.js';
export { World, type WorldOptions } from './world.js';
export type { Boot, CrashOptions, Place, PlaceOptions } from './place.js';
export { injectFaults, type InjectedFaults } from './fault-injector.js';
export { SimulatedNetwork, type NetworkOptions } from './simulated-network.js';
export { simulated, type SimulatedOptions } from './simulated-transport.js';
export { calmWeather, type Weather } from './weather.js';
export { drive, VirtualTime } from './virtual-time.js';
export { Life } from './life.js';
export { Random } from './prng.js';
export { Trace } from './trace.js';
