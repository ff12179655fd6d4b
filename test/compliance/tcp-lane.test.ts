/** The lanes of the TCP transport obey the contract of bulk lanes. */
import { runLaneCompliance } from './index.js';
import { makeTcpHarness } from './tcp-harness.js';

runLaneCompliance('tcp', () => makeTcpHarness());
