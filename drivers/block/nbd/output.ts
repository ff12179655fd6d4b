/**
 * Output: the replies of one connection on their way into its socket.
 *
 * Short replies are copied one behind the other into pages; long data goes as it is. All that was
 * put in since the last `flush` leaves with it, in one write. Pages and data are in use until the
 * socket has passed them on; `written` then tells how much that was, so that the connection can
 * limit what it takes on.
 */
import type { Socket } from 'node:net';
import { assert } from 'idc/contract';
import type { Payload, PayloadPool } from './payload-pool.js';

const pageBytes = 65536;
/** Pages that are kept for the next replies: what 32 requests of 4 KiB take. */
const sparesMax = 2;
/** Up to here a copy costs less than a piece of its own in the socket's write. */
const copiedBytesMax = 16384;

class Page {
  readonly bytes: Buffer = Buffer.allocUnsafeSlow(pageBytes);
  readonly view: DataView = new DataView(this.bytes.buffer);
}

/** One piece that the socket was given, and what is free when it is written. */
class Piece {
  readonly payload: Payload | undefined;
  /** A page that is full. */
  readonly page: Page | undefined;
  readonly requests: number;
  readonly heldBytes: number;

  constructor(
    requests: number,
    heldBytes: number,
    payload: Payload | undefined,
    page: Page | undefined,
  ) {
    this.requests = requests;
    this.heldBytes = heldBytes;
    this.payload = payload;
    this.page = page;
  }
}

/** A piece has left, and with it the replies to so many requests, which held so many bytes. */
export type Written = (requests: number, heldBytes: number) => void;

export class Output {
  readonly #socket: Socket;
  readonly #pool: PayloadPool;
  readonly #written: Written;
  /** In the order of writes. */
  readonly #pieces: Piece[] = [];
  #page = new Page();
  readonly #spares: Page[] = [];
  /** Of the page: what the socket has, and what is claimed. */
  #given = 0;
  #claimed = 0;
  #isCorked = false;
  #isReleased = false;
  /** Of what is in the page and was not given to the socket. */
  #requests = 0;
  #heldBytes = 0;

  constructor(socket: Socket, pool: PayloadPool, written: Written) {
    this.#socket = socket;
    this.#pool = pool;
    this.#written = written;
  }

  /** True if nothing waits to be written. */
  get isEmpty(): boolean {
    return this.#pieces.length === 0 && this.#claimed === this.#given;
  }

  /** The page of the last `claim`. */
  get view(): DataView {
    return this.#page.view;
  }

  /** Room for `byteLength` bytes of a reply, at the answered offset of `view`. */
  // HOT:
  claim(byteLength: number): number {
    assert(byteLength <= pageBytes, 'a piece of a reply fits into a page');
    if (this.#claimed + byteLength > pageBytes) this.#turnPage();
    const offset = this.#claimed;
    this.#claimed += byteLength;
    return offset;
  }

  /** Puts in a copy of `bytes`, at most a page. */
  copy(bytes: Uint8Array): void {
    const offset = this.claim(bytes.byteLength);
    this.#page.bytes.set(bytes, offset);
  }

  /**
   * Ends a reply to a request that held so many bytes of the connection's limit. Its data comes
   * last and goes back to the pool when nobody needs it any more.
   */
  // HOT:
  endReply(heldBytes: number, payload: Payload | undefined): void {
    if (payload !== undefined && payload.data.byteLength > copiedBytesMax) {
      this.#givePage(undefined);
      this.#write(payload.data, new Piece(1, heldBytes, payload, undefined));
      return;
    }
    if (payload !== undefined) {
      this.copy(payload.data);
      this.#pool.give(payload);
    }
    this.#requests += 1;
    this.#heldBytes += heldBytes;
  }

  /** Hands everything to the socket. */
  flush(): void {
    this.#givePage(undefined);
    if (!this.#isCorked) return;
    this.#isCorked = false;
    this.#socket.uncork();
  }

  /** The socket is closed: gives back what it still had. */
  release(): void {
    this.#isReleased = true;
    for (const { payload } of this.#pieces.splice(0)) {
      if (payload !== undefined) this.#pool.give(payload);
    }
  }

  #turnPage(): void {
    this.#givePage(this.#page);
    this.#page = this.#spares.pop() ?? new Page();
    this.#given = 0;
    this.#claimed = 0;
  }

  /** Gives the socket what is claimed of the page; `full` is the page if it was its last. */
  #givePage(full: Page | undefined): void {
    if (this.#claimed === this.#given) return;
    const bytes = this.#page.bytes.subarray(this.#given, this.#claimed);
    this.#given = this.#claimed;
    const piece = new Piece(this.#requests, this.#heldBytes, undefined, full);
    this.#requests = 0;
    this.#heldBytes = 0;
    this.#write(bytes, piece);
  }

  #write(bytes: Buffer, piece: Piece): void {
    if (!this.#isCorked) {
      this.#isCorked = true;
      this.#socket.cork();
    }
    this.#pieces.push(piece);
    this.#socket.write(bytes, this.#pieceWritten);
  }

  /** The socket calls back in the order of writes. */
  readonly #pieceWritten = (error?: Error | null): void => {
    // The connection is over: `release` gives back what is left.
    if (error instanceof Error || this.#isReleased) return;
    const piece = this.#pieces.shift();
    assert(piece !== undefined, 'a write ends once');
    if (piece.payload !== undefined) this.#pool.give(piece.payload);
    if (piece.page !== undefined && this.#spares.length < sparesMax) this.#spares.push(piece.page);
    if (this.isEmpty) {
      this.#given = 0;
      this.#claimed = 0;
    }
    this.#written(piece.requests, piece.heldBytes);
  };
}
