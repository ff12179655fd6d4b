/** A thread that makes a memory, dials the name it is given, and waits to be terminated. */
import { parentPort, workerData } from 'node:worker_threads';

import { MappedRanges } from '../../transports/ring/mapped-ranges.js';
import { ErrorNumber } from '../../transports/ring/native.js';
import { dialUnix } from '../../transports/ring/unix-socket.js';
import { makeOwn, requireNative } from '../unit/ring-memory-rig.js';

const native = requireNative();
const name: unknown = workerData;
const dialled = typeof name === 'string' ? dialUnix(native, name) : -1;
const socket = typeof dialled === 'number' ? native.adopt(dialled) : -1;
const released = makeOwn(native, new MappedRanges(native));
released.release();
const kept = makeOwn(native, new MappedRanges(native));
parentPort?.on('message', () => undefined);
// One that is closed in time is not closed again, when its number may be another's.
const closed = native.adopt(native.socket());
const isClosed = native.close(closed) === 0 && native.close(closed) === -ErrorNumber.EBADF;
parentPort?.postMessage({ sent: native.ring(socket), descriptor: kept.descriptor, isClosed });
