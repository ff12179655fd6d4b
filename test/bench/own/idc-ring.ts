/**
 * Our cases over rings: between two processes, between two threads, and between two threads whose
 * rings are SharedArrayBuffers; on one thread where its heap is what is measured.
 */
import { threadId } from 'node:worker_threads';
import { createDomain, type Domain, type Quota, type TransportFactory } from 'idc';
import { ring } from 'idc/ring';

import type { Job } from '../job.js';
import type { Session, Subject } from '../session.js';
import { startFarEnd, startFarEndThread, type FarEnd } from '../start-far-end.js';
import { countWithin, itemBytesMax, workloads } from '../workload.js';
import { BackEnd } from './back-end.js';
import { EventLoopSession } from './event-loop-session.js';
import { connect } from './front-end.js';
import { PlainLoop } from './plain-loop.js';
import { PollSession } from './poll-session.js';
import { describeQuota, quotaFor } from './quotas.js';
import { RemotePollSession } from './remote-poll-session.js';

/** Messages outstanding; large ones are fewer. */
const ringMessagesMax = 1024;

/** Polls between two turns of the event loop, which rings in SharedArrayBuffers need as well. */
const pollsPerTurnShared = 1024;

type Memory = 'mapped' | 'shared';

function quotaOf({ workload }: Job): Partial<Quota> {
  const bytes = itemBytesMax(workload);
  return quotaFor(workload, countWithin(8 * 1024 * 1024, bytes, 8, ringMessagesMax));
}

function waitOf({ variant }: Job): 'park' | 'spin' | 'adaptive' {
  return variant === 'park' || variant === 'spin' ? variant : 'adaptive';
}

function createRingDomain(name: string, job: Job, memory: Memory): Domain {
  const transports: readonly TransportFactory[] = [ring({ memory })];
  return createDomain({ name, transports, wait: waitOf(job) });
}

function pollsPerTurn(memory: Memory): number {
  return memory === 'shared' ? pollsPerTurnShared : Infinity;
}

async function open(job: Job, memory: Memory, farEnd: FarEnd): Promise<Session> {
  const front = createRingDomain('front', job, memory);
  const endpoint = await connect(front, farEnd.address, quotaOf(job));
  const quotaNote = `${memory} memory, ${describeQuota(endpoint.quota)}`;
  const close = async (): Promise<void> => {
    await front.close();
    await farEnd.stop();
  };
  if (job.variant === 'poll') {
    return new RemotePollSession({
      note: `both ends poll in a plain loop, ${quotaNote}`,
      domain: front,
      endpoint,
      pollsPerTurn: pollsPerTurn(memory),
      close,
    });
  }
  return new EventLoopSession({
    note: `wait ${waitOf(job)}, ${quotaNote}`,
    endpoint,
    itemBytesMax: itemBytesMax(job.workload),
    form: job.variant === 'promise' ? 'promise' : 'callback',
    close,
  });
}

async function serve(job: Job, memory: Memory): Promise<string> {
  const domain = createRingDomain('back', job, memory);
  const loop = new PlainLoop(domain, pollsPerTurn(memory));
  const more = job.variant === 'poll' ? loop.handlers : {};
  return new BackEnd(domain, ownAddress(), job.workload, quotaOf(job), more).listener.ready;
}

/** No other thread of the machine listens there. */
function ownAddress(): string {
  return `ring://idc-bench-${process.pid}-${threadId}/bench`;
}

/** Both ends on this thread, so that what both allocate is counted. */
async function openHere(job: Job): Promise<Session> {
  const front = createRingDomain('front', job, 'mapped');
  const back = createRingDomain('back', job, 'mapped');
  const backEnd = new BackEnd(back, ownAddress(), job.workload, quotaOf(job));
  const endpoint = await connect(front, await backEnd.listener.ready, quotaOf(job));
  const note = `poll in a plain loop, mapped memory, ${describeQuota(endpoint.quota)}`;
  const form = job.variant === 'promise' ? 'promise' : 'callback';
  return new PollSession({ note, front, back, endpoint, backEnd, form });
}

export const idcRingProcess: Subject = {
  open: async (job) =>
    workloads[job.workload].allocation
      ? openHere(job)
      : open(job, 'mapped', await startFarEnd(job)),
  serve: (job) => serve(job, 'mapped'),
};

export const idcRingThread: Subject = {
  open: async (job) => open(job, 'mapped', await startFarEndThread(job)),
  serve: (job) => serve(job, 'mapped'),
};

export const idcRingShared: Subject = {
  open: async (job) => open(job, 'shared', await startFarEndThread(job)),
  serve: (job) => serve(job, 'shared'),
};
