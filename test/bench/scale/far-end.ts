/** The program of the far end: accepts all endpoints, completes messages, and tells readings. */
import { createDomain } from 'idc';

import { readProcess } from './reading.js';
import { decodeScaleJob, scaleQuota } from './scale-job.js';
import { scaleAddress, scaleTransport } from './scale-transport.js';

const job = decodeScaleJob(process.argv.slice(2));
const { endpoints, wait } = job;
const domain = createDomain({ name: 'back', transports: [scaleTransport(job)], wait });
const listener = domain.listen(
  scaleAddress(job),
  () => ({
    message: (message) => {
      message.complete();
    },
  }),
  { quota: scaleQuota, peersMax: endpoints },
);
const address = await listener.ready;
process.on('message', (question) => process.send?.(readProcess(question === 'clean')));
process.on('disconnect', () => process.exit());
process.send?.(address);
