/**
 * A third party's transport, written with the public contract only: frames as the chunks of Node
 * streams in object mode. It shows how little glue a medium needs. A stream's events only wake the
 * host; `poll` decides everything, from the stream's own state.
 */
import type { Duplex } from 'node:stream';
import * as idc from '../../core/contract.js';
import type { StreamExchange } from './stream-exchange.js';

const frameBytesMax = 16 * 1024;

class StreamLink implements idc.Link {
  readonly claimBytes: Uint8Array = new Uint8Array(frameBytesMax);
  phase: 'new' | 'up' | 'down' | 'closed' = 'new';
  readonly #host: idc.TransportHost;
  readonly #stream: Duplex;
  #claimedBytes = 0;
  #isRefused = false;
  #isClosing = false;
  #closeTimer: idc.Timer | undefined = undefined;

  constructor(host: idc.TransportHost, stream: Duplex) {
    this.#host = host;
    this.#stream = stream;
    const events = ['readable', 'drain', 'end', 'finish', 'close', 'error'];
    const wake = (): void => {
      host.wake();
    };
    for (const event of events) stream.on(event, wake);
  }

  claim(byteLength: number): number {
    idc.assert(byteLength > 0 && this.#claimedBytes === 0, 'one claim, not empty', 'BAD_ARGUMENT');
    if (!this.#isUp()) return idc.ClaimRefusal.Down;
    if (byteLength > frameBytesMax) return idc.ClaimRefusal.TooLarge;
    this.#isRefused ||= this.#stream.writableNeedDrain;
    if (this.#isRefused) return idc.ClaimRefusal.BackPressured;
    this.#claimedBytes = byteLength;
    return 0;
  }

  commit(): void {
    const frame = this.claimBytes.slice(0, this.#claimedBytes);
    this.abort();
    if (this.#stream.writable) this.#stream.write(frame);
  }

  abort(): void {
    idc.assert(this.#claimedBytes > 0, 'no claim is open', 'BAD_ARGUMENT');
    this.#claimedBytes = 0;
  }

  close(): void {
    if (this.#isClosing) return;
    const giveUp = (): unknown => this.#stream.destroy();
    if (!this.#isUp()) giveUp();
    else this.#closeTimer = this.#host.runtime.scheduler.after(idc.closeMs, giveUp);
    this.#isClosing = true;
    this.#stream.end();
    this.#host.wake();
  }

  /** Answers the number of frames. */
  poll(sink: idc.LinkSink, limit: number): number {
    if (this.phase === 'new' && !this.#isClosing && !this.#stream.destroyed) {
      this.phase = 'up';
      sink.linkUp({ kind: 'unproven', name: '', origin: 'stream' });
    }
    for (let count = 0; count < limit; count += 1) {
      // reason: `read` answers `any`; only frames are ever written
      const frame = this.#isUp() ? (this.#stream.read() as Uint8Array | null) : null;
      if (frame === null) {
        this.#pollState(sink);
        return count;
      }
      sink.frame(frame, 0, frame.length);
    }
    this.#host.wake();
    return limit;
  }

  #isUp(): boolean {
    return this.phase === 'up' && !this.#isClosing;
  }

  #pollState(sink: idc.LinkSink): void {
    while (this.#isClosing && this.#stream.read() !== null); // Else the stream would not end.
    if (this.#isUp() && this.#isRefused && !this.#stream.writableNeedDrain) {
      this.#isRefused = false;
      sink.writable();
    }
    const fault = this.phase === 'down' ? undefined : this.#findFault();
    if (fault !== undefined) {
      this.phase = 'down';
      this.#closeTimer?.cancel();
      this.#stream.destroy();
      sink.linkDown(fault);
    }
    if (this.phase !== 'down' || !this.#isClosing) return;
    this.phase = 'closed';
    sink.closed();
  }

  #findFault(): idc.Fault | undefined {
    const { destroyed, readableEnded, writableFinished } = this.#stream;
    if (readableEnded || (this.#isClosing && writableFinished)) return idc.Fault.Closed;
    if (!destroyed) return undefined;
    return this.phase === 'new' ? idc.Fault.Refused : idc.Fault.Reset;
  }
}

function createTransport(host: idc.TransportHost, exchange: StreamExchange): idc.Transport {
  const links = new Map<StreamLink, idc.LinkSink>();
  const news: (() => void)[] = [];
  /** Puts off what may not happen before the caller returned. */
  const later = (tell: () => void): void => {
    news.push(tell);
    host.wake();
  };

  const open: idc.Transport['open'] = ({ authority }, sink) => {
    const link = new StreamLink(host, exchange.dial(authority));
    later(() => links.set(link, sink));
    return link;
  };

  const listen: idc.Transport['listen'] = (address, accept) => {
    let isOpen = true;
    const answer = (stream: Duplex): void => {
      if (!isOpen) stream.destroy();
      if (stream.destroyed) return;
      const link = new StreamLink(host, stream);
      links.set(link, accept.accept(link));
    };
    const isBound = exchange.listen(address.authority, (stream) => {
      later(() => {
        answer(stream);
      });
    });
    later(() => {
      if (isOpen && isBound) accept.listening(address);
      if (isOpen && !isBound) accept.failed(idc.Fault.AddressInUse);
    });
    const close = (): void => {
      if (isOpen && isBound) exchange.unlisten(address.authority);
      if (isOpen) later(accept.closed.bind(accept));
      isOpen = false;
    };
    return { close };
  };

  const poll = (limit: number): number => {
    const told = news.splice(0);
    for (const tell of told) tell();
    let count = told.length;
    for (const [link, sink] of links) {
      count += link.poll(sink, limit);
      if (link.phase === 'closed') links.delete(link);
    }
    return count;
  };

  const facts = { frameBytesMax, crossProcess: false, poll: 'flush', bulk: 'inline' } as const;
  // Every event wakes the host, parked or not.
  const park = (): boolean => true;
  return { scheme: 'stream', capabilities: Object.freeze(facts), open, listen, poll, park };
}

/** Domains of one process that share an exchange. */
export function stream(exchange: StreamExchange): idc.TransportFactory {
  return { scheme: 'stream', create: (host) => createTransport(host, exchange) };
}
