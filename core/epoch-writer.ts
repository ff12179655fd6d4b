/**
 * EpochWriter: where the halves of an endpoint write in one epoch, and whether this side has
 * submitted anything since keep-alive let the session rest.
 */
import type { ByteArea } from './byte-area.js';
import type { Link } from './transport.js';

export class EpochWriter {
  readonly link: Link;
  /** The link's claim bytes. */
  readonly area: ByteArea;
  readonly frameBytesMax: number = 0;
  readonly epochTag: number = 0;
  /** False while nothing was submitted since `rest`. */
  isUsed = true;
  readonly #onUse: () => void;

  /** `onUse` is called at the first submission after a `rest`. */
  constructor(
    link: Link,
    area: ByteArea,
    frameBytesMax: number,
    epochTag: number,
    onUse: () => void,
  ) {
    this.link = link;
    this.area = area;
    this.frameBytesMax = frameBytesMax;
    this.epochTag = epochTag;
    this.#onUse = onUse;
  }

  /** The next submission is told. */
  rest(): void {
    this.isUsed = false;
  }

  /** Something was submitted, and nothing since `rest`; HOT callers look at `isUsed` first. */
  use(): void {
    this.isUsed = true;
    this.#onUse();
  }
}
