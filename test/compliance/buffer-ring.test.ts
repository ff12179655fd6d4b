/** Remote buffers over rings in mapped memory, which can also be lent. */
import { runBufferCompliance } from './index.js';
import { makeRingWorld } from './ring-harness.js';

runBufferCompliance('ring', () => makeRingWorld('mapped'));
