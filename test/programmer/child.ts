/**
 * Child: makes the one mistake that its first argument names. Its parent is the peer: it connects
 * to `witness`, which makes no mistake and answers nothing, and to `subject`, where it is made.
 */
import assert from 'node:assert/strict';
import { createDomain, type EndpointHandlers, type OfferHandler } from 'idc';
import { tcp } from 'idc/tcp';

import { callMistakes } from './mistakes-in-calls.js';
import { destroyMistakes } from './mistakes-in-destroying.js';
import { handlerMistakes } from './mistakes-in-handlers.js';

const mistakes = { ...callMistakes, ...handlerMistakes, ...destroyMistakes };
const mistake: OfferHandler | undefined = mistakes[process.argv[2] ?? ''];
assert(mistake !== undefined, 'no such mistake');

const quiet: EndpointHandlers = { transaction: () => undefined };
const domain = createDomain({ name: 'child', transports: [tcp()] });
const address = await domain.listen('tcp://127.0.0.1:0/witness', () => quiet).ready;
await domain.listen(address.replace('/witness', '/subject'), mistake).ready;
process.send?.(address);
