/** A thread that measures what one item leaves over the memory transport, and posts the bytes. */
import assert from 'node:assert/strict';
import { parentPort, workerData } from 'node:worker_threads';
import { createMemoryNetwork, memory } from 'idc/memory';
import { bytesPerStep, Payloads } from './measure.js';
import { closePair, openPair } from './pair.js';
import { driveMessages, driveTransactions, pollEffort } from './poll-drives.js';

export interface AllocationOrder {
  readonly item: 'message' | 'transaction in its hot form';
  readonly seed: number;
}

if (parentPort !== null) {
  const { item, seed } = workerData as AllocationOrder; // the parent made it
  const makeDrive = item === 'message' ? driveMessages : driveTransactions;
  const pair = await openPair([memory({ network: createMemoryNetwork() })], 'memory://hub/items');
  const bytes = await bytesPerStep(makeDrive(pair, new Payloads(seed)), pollEffort);
  await closePair(pair);
  assert(Number.isFinite(bytes));
  parentPort.postMessage(bytes);
}
