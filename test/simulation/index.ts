/**
 * `idc/simulation`: the whole stack on a virtual clock and one seed. Re-exports only.
 *
 * What is held to which invariant, after every step (audit) or at the event itself:
 *
 *   grammar  Watch: each notification by the grammar; audit: the endpoint's state agrees with it
 *   V1       WatchRoom.connected: nothing older is open at either end, and both name one epoch;
 *            Watch: epochs grow; Ledger: an item is handled at the right endpoint only
 *   V2       Ledger.handled: in the epoch in which it was submitted, by a living domain
 *   V3       Ledger.settled: once, in time, before the disconnect completes; audit: nothing overdue
 *   V4       Evidence: the exact class that the initiator's frames allow, no more and no less, and
 *            the counts of each disconnect; WireTap: a goodbye says exactly how far handlers got;
 *            Ledger: never what was or will be handled; no `maybe` where no link was lost
 *   V5       Ledger.handled: in submit order
 *   V6       Ledger.handled: once; WireTap: each sequence is committed once
 *   V7       Ledger: open items of both ends and their lengths against the agreed quota
 *   V8       Client: refused at once; run: everything settles in bounded time; chains.test
 *   V9       audit: destroy is over in time, and drains as long as it may; Place: so is close
 *   V10      audit: no endpoint drains longer than its own client
 *   V11      run: endpoints, links and listeners of the dead are gone, the whole quota is free;
 *            Place and World at the end: no endpoint, timer, task, link or listener is left
 *   V12      WireTap: a forged frame ends its link at once, as CORRUPT; Watch: nothing else does
 *
 * V13 is in test/hostile, V14 in the endpoint suite that runs over each transport.
 */
export {
  simulate,
  SimulationError,
  type Simulation,
  type SimulationFaults,
  type SimulationResult,
} from './simulate.js';
export { simulateSeeds, type SeedRange } from './simulate-seeds.js';
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
