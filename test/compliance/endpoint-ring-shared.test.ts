/** Endpoints over rings in memory that threads share behave as over memory. */
import { runEndpointCompliance } from './index.js';
import { makeRingWorld } from './ring-harness.js';

runEndpointCompliance('ring in shared memory', () => makeRingWorld('shared'));
