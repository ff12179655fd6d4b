/** What an owner does with references, in loops within one process: nothing is transferred. */
import { createDomain, RemoteBufferReference, type Domain } from 'idc';
import { createMemoryNetwork, memory } from 'idc/memory';

import { createRuntime } from '../../../core/contract.js';
import { Registrations } from '../../../core/transfer/registrations.js';
import type { Job } from '../job.js';
import type { Payloads } from '../payloads.js';
import type { Session, Subject } from '../session.js';
import { itemBytesMax, type WorkloadName } from '../workload.js';

/** Steps between two looks at the clock. */
const stepsPerLook = 64;
/** References that take turns. */
const referenceCount = 64;

/** One step of a loop; what it answers is waited for. */
type Step = (index: number) => Promise<void> | undefined;

class LoopSession implements Session {
  readonly note = 'one thread, registrations in copy mode';
  readonly #step: Step;
  readonly #domain: Domain;

  constructor(step: Step, domain: Domain) {
    this.#step = step;
    this.#domain = domain;
  }

  async flood(_payloads: Payloads, durationMs: number): Promise<number> {
    const endMs = performance.now() + durationMs;
    let count = 0;
    while (performance.now() < endMs) {
      for (let index = 0; index < stepsPerLook; index += 1) {
        const waiting = this.#step(index);
        if (waiting !== undefined) await waiting;
      }
      count += stepsPerLook;
    }
    return count;
  }

  roundTrips(): Promise<void> {
    return Promise.reject(new Error('nobody answers'));
  }

  close(): Promise<void> {
    return this.#domain.close();
  }
}

function makeStep(workload: WorkloadName, domain: Domain): Step {
  const byteLength = itemBytesMax(workload);
  const buffer = new Uint8Array(byteLength);
  if (workload === 'register-unregister') {
    return () => domain.registerBuffer(buffer, { access: 'readWrite' }).unregister();
  }
  if (workload === 'narrow') {
    const { reference } = domain.registerBuffer(buffer, { access: 'readWrite' });
    const decoded = RemoteBufferReference.decode(reference.encode());
    return (index) => {
      decoded.narrow({ offset: index, byteLength: 64, access: 'read' }).encode();
      return undefined;
    };
  }
  return makeCheck(buffer);
}

/** By the owner's own check, of which a domain has no name. */
function makeCheck(buffer: Uint8Array): Step {
  const { clock, prng } = createRuntime();
  const domainId = '0123456789abcdef'.repeat(2);
  const incarnation = '0123456789abcdef';
  const host = { clock, prng, domainId, incarnation, addresses: () => ['tcp://127.0.0.1:7000/a'] };
  const registrations = new Registrations(host);
  const references = Array.from({ length: referenceCount }, () =>
    registrations.register(buffer, { access: 'readWrite' }).reference.encode(),
  );
  const identity = { kind: 'process', name: 'holder', origin: 'the bench' } as const;
  const holder = { identity, domainId, domainName: 'holder', isRelayed: false };
  return (index) => {
    const encoded = references[index % referenceCount] ?? buffer;
    const grant = registrations.check(encoded, holder, 'read', 0, buffer.byteLength);
    if (typeof grant === 'string') throw new Error(`a good reference is refused with ${grant}`);
    return undefined;
  };
}

function open({ workload }: Job): Promise<Session> {
  const transports = [memory({ network: createMemoryNetwork() })];
  const domain = createDomain({ name: 'owner', transports });
  return Promise.resolve(new LoopSession(makeStep(workload, domain), domain));
}

export const idcOwnerLoops: Subject = {
  open,
  serve: () => Promise.reject(new Error('there is one end only')),
};
