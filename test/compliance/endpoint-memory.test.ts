/** Endpoints over memory, the reference; told twice, every scenario reads the same. */
import { makeMemoryWorld } from './endpoint/memory-world.js';
import { runEndpointCompliance } from './index.js';

runEndpointCompliance('memory', makeMemoryWorld);
