/**
 * HoldingProxy: a path to a listener that keeps what goes there for as long as a test wants. It
 * can lose the dialling end and keep the other one, with what is still to arrive there: what a
 * switch does that fails over, and delivers its old queue later.
 */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** One connection: the dialling end, the listening end, and what waits between them. */
interface Line {
  readonly front: Socket;
  readonly back: Socket;
  readonly held: Buffer[];
  isHolding: boolean;
}

export class HoldingProxy {
  /** Where the bytes go. */
  targetPort = 0;
  /** While false whoever dials is turned away. */
  isOpen = true;
  /** Bytes that came back from the target. */
  returnedBytes = 0;
  readonly #server: Server;
  readonly #lines = new Set<Line>();

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', (front) => {
      this.#connected(front);
    });
  }

  static async create(): Promise<HoldingProxy> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new HoldingProxy(server);
  }

  get port(): number {
    // reason: it listens on an address and a port
    return (this.#server.address() as AddressInfo).port;
  }

  /** Bytes that wait for their release. */
  get heldBytes(): number {
    let count = 0;
    for (const { held } of this.#lines) for (const { length } of held) count += length;
    return count;
  }

  /** Lines that `hold` found and whose listening end is still there. */
  get heldLineCount(): number {
    return [...this.#lines].filter(({ isHolding }) => isHolding).length;
  }

  /** From now on nothing reaches the target over the lines that there are. */
  hold(): void {
    for (const line of this.#lines) line.isHolding = true;
  }

  /** What is held goes on its way, of each line the first `byteCount` bytes of it. */
  release(byteCount: number = Infinity): void {
    for (const { back, held } of this.#lines) {
      const bytes = Buffer.concat(held.splice(0));
      back.write(bytes.subarray(0, byteCount));
      if (bytes.length > byteCount) held.push(bytes.subarray(byteCount));
    }
  }

  /** The dialling ends die; the others, and what is held, live on. */
  loseDiallers(): void {
    for (const { front } of this.#lines) front.destroy();
  }

  async close(): Promise<void> {
    for (const { front, back } of this.#lines) {
      front.destroy();
      back.destroy();
    }
    this.#server.close();
    await once(this.#server, 'close');
  }

  #connected(front: Socket): void {
    if (!this.isOpen) {
      front.destroy();
      return;
    }
    const back = connect({ host: '127.0.0.1', port: this.targetPort, noDelay: true });
    const line: Line = { front, back, held: [], isHolding: false };
    this.#lines.add(line);
    front.setNoDelay(true);
    front.on('data', (chunk) => {
      if (line.isHolding) line.held.push(chunk);
      else back.write(chunk);
    });
    back.on('data', (chunk) => {
      this.returnedBytes += chunk.length;
      if (!front.destroyed) front.write(chunk);
    });
    front.on('close', () => {
      if (!line.isHolding) back.destroy();
    });
    back.on('close', () => {
      front.destroy();
      this.#lines.delete(line);
    });
    for (const socket of [front, back]) socket.on('error', () => socket.destroy());
  }
}
