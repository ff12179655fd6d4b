/** Our cases over TCP on loopback: two processes, or one where its heap is what is measured. */
import { createDomain, type Domain, type WaitStrategy } from 'idc';
import { tcp } from 'idc/tcp';

import type { Job } from '../job.js';
import type { Session, Subject } from '../session.js';
import { startFarEnd } from '../start-far-end.js';
import { countWithin, itemBytesMax, workloads } from '../workload.js';
import { BackEnd } from './back-end.js';
import { EventLoopSession } from './event-loop-session.js';
import { connect } from './front-end.js';
import { describeQuota, quotaFor } from './quotas.js';

/** Messages outstanding; large ones are fewer. The stripped loop takes as many in a turn. */
export const tcpMessagesMax = 4096;

function waitOf({ variant }: Job): WaitStrategy {
  return variant === 'park' || variant === 'spin' ? variant : 'adaptive';
}

function createTcpDomain(name: string, job: Job): Domain {
  return createDomain({ name, transports: [tcp()], wait: waitOf(job) });
}

function messagesOf(job: Job): number {
  return countWithin(16 * 1024 * 1024, itemBytesMax(job.workload), 16, tcpMessagesMax);
}

async function open(job: Job): Promise<Session> {
  const backEnd = workloads[job.workload].allocation
    ? await serveHere(job)
    : await startFarEnd(job);
  const front = createTcpDomain('front', job);
  const quota = quotaFor(job.workload, messagesOf(job));
  const endpoint = await connect(front, backEnd.address, quota);
  const form = job.variant === 'promise' ? 'promise' : 'callback';
  return new EventLoopSession({
    note: `wait ${waitOf(job)}, ${describeQuota(endpoint.quota)}`,
    endpoint,
    itemBytesMax: itemBytesMax(job.workload),
    form,
    close: async () => {
      await front.close();
      await backEnd.stop();
    },
  });
}

/** The back end in this process, so that both ends' allocations are counted. */
async function serveHere(job: Job): Promise<{ address: string; stop: () => Promise<void> }> {
  const back = createTcpDomain('back', job);
  return { address: await listen(back, job), stop: () => back.close() };
}

function serve(job: Job): Promise<string> {
  return listen(createTcpDomain('back', job), job);
}

function listen(domain: Domain, job: Job): Promise<string> {
  const quota = quotaFor(job.workload, messagesOf(job));
  return new BackEnd(domain, 'tcp://127.0.0.1:0/bench', job.workload, quota).listener.ready;
}

export const idcTcp: Subject = { open, serve };
