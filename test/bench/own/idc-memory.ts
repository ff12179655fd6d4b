/** Our cases over memory: two domains of one thread. */
import { createDomain } from 'idc';
import { createMemoryNetwork, memory } from 'idc/memory';

import type { Job } from '../job.js';
import type { Session, Subject } from '../session.js';
import { countWithin, itemBytesMax } from '../workload.js';
import { BackEnd } from './back-end.js';
import { EventLoopSession } from './event-loop-session.js';
import { connect } from './front-end.js';
import { PollSession } from './poll-session.js';
import { describeQuota, quotaFor } from './quotas.js';

/** Messages outstanding; large ones are fewer. The stripped loop takes as many in a turn. */
export const memoryMessagesMax = 256;

const address = 'memory://bench/service';

async function open(job: Job): Promise<Session> {
  const transports = [memory({ network: createMemoryNetwork() })];
  const front = createDomain({ name: 'front', transports });
  const back = createDomain({ name: 'back', transports });
  const quota = quotaFor(
    job.workload,
    countWithin(8 * 1024 * 1024, itemBytesMax(job.workload), 8, memoryMessagesMax),
  );
  const backEnd = new BackEnd(back, address, job.workload, quota);
  const endpoint = await connect(front, address, quota);
  const quotaNote = describeQuota(endpoint.quota);
  const form = job.variant === 'promise' ? 'promise' : 'callback';
  if (job.variant !== 'adaptive') {
    const note = `poll in a plain loop, ${quotaNote}`;
    return new PollSession({ note, front, back, endpoint, backEnd, form });
  }
  return new EventLoopSession({
    note: `wait ${job.variant}, ${quotaNote}`,
    endpoint,
    itemBytesMax: itemBytesMax(job.workload),
    form,
    close: async () => {
      await front.close();
      await back.close();
    },
  });
}

export const idcMemory: Subject = {
  open,
  serve: () => Promise.reject(new Error('both ends of memory are in one thread')),
};
