/** Remote buffers over rings in memory that threads share. */
import { runBufferCompliance } from './index.js';
import { makeRingWorld } from './ring-harness.js';

runBufferCompliance('ring in shared memory', () => makeRingWorld('shared'));
