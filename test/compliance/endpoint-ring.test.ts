/** Endpoints over rings in mapped memory behave as over memory. */
import { runEndpointCompliance } from './index.js';
import { makeRingWorld } from './ring-harness.js';

runEndpointCompliance('ring', () => makeRingWorld('mapped'));
