/** Remote buffers over memory, the reference; told twice, every scenario reads the same. */
import { makeMemoryWorld } from './endpoint/memory-world.js';
import { runBufferCompliance } from './index.js';

runBufferCompliance('memory', makeMemoryWorld);
