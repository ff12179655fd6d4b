/**
 * The program of a far end, started by `start-far-end.ts` as a process or a thread: it loads the
 * subject, serves, and says where. It lives as long as the near end does.
 */
import { parentPort, workerData } from 'node:worker_threads';

import { decodeJob } from './job.js';
import { loadSubject } from './subjects.js';

const words: unknown = workerData ?? process.argv.slice(2);
if (!Array.isArray(words)) throw new Error('a far end is started by start-far-end.ts');
const [nearAddress = '', ...jobWords] = words.map(String);
const job = decodeJob(jobWords);
const subject = await loadSubject(job.subject);
const address = await subject.serve(job, nearAddress);
process.send?.({ address });
parentPort?.postMessage({ address });
process.on('disconnect', () => process.exit());
