/** Endpoints over a third party's transport behave as over memory. */
import { runEndpointCompliance } from './index.js';
import { makeStreamWorld } from './stream-world.js';

runEndpointCompliance('stream', makeStreamWorld);
