/** Endpoints over TCP behave as over memory. */
import { runEndpointCompliance } from './index.js';
import { makeTcpWorld } from './tcp-world.js';

runEndpointCompliance('tcp', makeTcpWorld);
