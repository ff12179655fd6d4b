/** Remote buffers over a third party's transport behave as over memory. */
import { runBufferCompliance } from './index.js';
import { makeStreamWorld } from './stream-world.js';

runBufferCompliance('stream', makeStreamWorld);
