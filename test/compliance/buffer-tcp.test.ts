/** Remote buffers over TCP behave as over memory. */
import { runBufferCompliance } from './index.js';
import { makeTcpWorld } from './tcp-world.js';

runBufferCompliance('tcp', makeTcpWorld);
