/** The TCP transport obeys the transport contract. */
import { runTransportCompliance } from './index.js';
import { makeTcpHarness } from './tcp-harness.js';

runTransportCompliance('tcp', () => makeTcpHarness());
