/** Our cases of remote buffers between two processes, over a ring and over TCP on loopback. */
import {
  createDomain,
  RemoteBufferReference,
  type Domain,
  type Endpoint,
  type TransportFactory,
} from 'idc';
import { ring } from 'idc/ring';
import { tcp } from 'idc/tcp';

import type { Job } from '../job.js';
import { connect } from '../own/front-end.js';
import type { Session, Subject } from '../session.js';
import { startFarEnd } from '../start-far-end.js';
import { BesideSession } from './beside-session.js';
import { TransferFarEnd, Wish, wishBytesMax } from './far-end.js';
import { LendingSession } from './lending-session.js';
import { transferPlanOf, type TransferMode } from './transfer-plan.js';
import { TransferSession } from './transfer-session.js';

interface Medium {
  transport(): TransportFactory;
  /** Where this process listens. */
  address(): string;
}

const overRing: Medium = {
  transport: () => ring(),
  address: () => `ring://idc-bench-${process.pid}/bench`,
};

const overTcp: Medium = { transport: () => tcp(), address: () => 'tcp://127.0.0.1:0/bench' };

function modeOf({ variant }: Job): TransferMode {
  return variant === 'map' ? 'map' : 'copy';
}

async function referenceFrom(endpoint: Endpoint): Promise<RemoteBufferReference> {
  const encoded = await endpoint.submitTransaction(Uint8Array.of(Wish.Reference));
  return RemoteBufferReference.decode(encoded, endpoint);
}

async function open(job: Job, medium: Medium): Promise<Session> {
  const farEnd = await startFarEnd(job);
  const domain = createDomain({ name: 'front', transports: [medium.transport()] });
  const quota = { parameterBytes: wishBytesMax, statusBytes: wishBytesMax };
  const endpoint = await connect(domain, farEnd.address, quota);
  const close = async (): Promise<void> => {
    await domain.close();
    await farEnd.stop();
  };
  const mode = modeOf(job);
  const plan = transferPlanOf(job.workload);
  if (plan !== undefined) {
    const reference = await referenceFrom(endpoint);
    return new TransferSession({ domain, reference, plan, mode, close });
  }
  if (job.workload === 'transaction-64-beside-transfer') {
    return new BesideSession(domain, endpoint, await referenceFrom(endpoint), close);
  }
  return new LendingSession(domain, endpoint, mode, close);
}

function serve(job: Job, medium: Medium): Promise<string> {
  const domain: Domain = createDomain({ name: 'back', transports: [medium.transport()] });
  return new TransferFarEnd(domain, job.workload, modeOf(job)).listen(medium.address());
}

function subjectOver(medium: Medium): Subject {
  return { open: (job) => open(job, medium), serve: (job) => serve(job, medium) };
}

export const idcTransferRing: Subject = subjectOver(overRing);
export const idcTransferTcp: Subject = subjectOver(overTcp);
