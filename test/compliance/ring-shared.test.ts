/** The ring transport obeys the transport contract, in memory that threads share. */
import { runTransportCompliance } from './index.js';
import { makeRingHarness } from './ring-harness.js';

runTransportCompliance('ring in shared memory', () => makeRingHarness('shared'));
