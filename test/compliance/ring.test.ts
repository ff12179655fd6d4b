/** The ring transport obeys the transport contract, in mapped memory. */
import { runTransportCompliance } from './index.js';
import { makeRingHarness } from './ring-harness.js';

runTransportCompliance('ring', () => makeRingHarness('mapped'));
