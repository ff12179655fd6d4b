/**
 * The stripped loop over TCP on loopback: two processes, each of which polls its bare transport
 * when that asks for it. The last frame of a flood is empty; the far end answers it with its count.
 */
import { createRuntime, parseAddress, type Address, type Link, type Transport } from 'idc/contract';
import { tcp } from 'idc/tcp';

import { messageHeaderBytes } from '../../../core/frame.js';
import type { Job } from '../job.js';
import type { Payloads } from '../payloads.js';
import type { Session, Subject } from '../session.js';
import { startFarEnd, type FarEnd } from '../start-far-end.js';
import { itemBytesMax } from '../workload.js';
import { encodeCount } from './back-end.js';
import { tcpMessagesMax } from './idc-tcp.js';
import { acceptInto } from './stripped-memory.js';
import { StrippedReceiver, StrippedSender } from './stripped-ends.js';

const framesPerPoll = 256;
/** No payload is empty. */
const endOfFlood = new Uint8Array(0);

/** A bare TCP transport that is polled when it asks for it. */
function createDrivenTransport(): Transport {
  let isDue = false;
  const wake = (): void => {
    if (isDue) return;
    isDue = true;
    setImmediate(turn);
  };
  const transport = tcp().create({ runtime: createRuntime(), wake });
  const turn = (): void => {
    isDue = false;
    transport.poll(framesPerPoll);
    park();
  };
  const park = (): void => {
    if (isDue || transport.park()) return;
    wake();
  };
  return transport;
}

class StrippedTcpSession implements Session {
  readonly note = `bare transport, ${tcpMessagesMax} messages a turn`;
  readonly #sender = new StrippedSender();
  readonly #farEnd: FarEnd;
  readonly #link: Link;
  #sent = 0;

  private constructor(farEnd: FarEnd) {
    this.#farEnd = farEnd;
    const address = parseAddress(farEnd.address);
    this.#link = createDrivenTransport().open(address, this.#sender, 'message');
    this.#sender.attach(this.#link);
  }

  static async open(farEnd: FarEnd): Promise<StrippedTcpSession> {
    const session = new StrippedTcpSession(farEnd);
    await session.#sender.up;
    return session;
  }

  async flood(payloads: Payloads, durationMs: number): Promise<number> {
    const endMs = performance.now() + durationMs;
    const sentBefore = this.#sent;
    while (performance.now() < endMs) await this.#sendTurn(payloads);
    const answered = new Promise<number>((resolve) => (this.#sender.onAnswer = resolve));
    while (!this.#sender.send(endOfFlood)) await this.#sender.whenWritable();
    const received = await answered;
    if (received !== this.#sent) throw new Error(`${this.#sent} sent, ${received} received`);
    return this.#sent - sentBefore;
  }

  /** A refused body is not sent again: they are all alike to the receiver. */
  async #sendTurn(payloads: Payloads): Promise<void> {
    for (let items = 0; items < tcpMessagesMax; items += 1) {
      if (!this.#sender.send(payloads.next())) return this.#sender.whenWritable();
      this.#sent += 1;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }

  roundTrips(): Promise<void> {
    return Promise.reject(new Error('the stripped loop only sends one way'));
  }

  async close(): Promise<void> {
    this.#link.close();
    await this.#farEnd.stop();
  }
}

/** Answers each end of a flood with the number of messages so far. */
class CountingReceiver extends StrippedReceiver {
  readonly #answers = new StrippedSender();

  attach(link: Link): void {
    this.#answers.attach(link);
  }

  /** HOT */
  override frame(bytes: Uint8Array, offset: number, byteLength: number): void {
    if (byteLength > messageHeaderBytes) super.frame(bytes, offset, byteLength);
    else if (!this.#answers.send(encodeCount(this.received))) {
      throw new Error('the link has no room for an answer');
    }
  }
}

function serve(job: Job): Promise<string> {
  const receiver = new CountingReceiver(tcpMessagesMax, itemBytesMax(job.workload));
  const wanted = parseAddress('tcp://127.0.0.1:0/bench');
  return new Promise((resolve, reject) => {
    const accept = acceptInto(receiver, {
      listening: (address: Address) => {
        resolve(address.href);
      },
      failed: (fault) => {
        reject(new Error(`cannot listen: ${fault}`));
      },
      accept: (link) => {
        receiver.attach(link);
        return receiver;
      },
    });
    createDrivenTransport().listen(wanted, accept);
  });
}

export const strippedTcp: Subject = {
  open: async (job) => StrippedTcpSession.open(await startFarEnd(job)),
  serve,
};
