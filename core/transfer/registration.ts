/**
 * Registration: one registered buffer at its owner, from `registerBuffer` to the end of
 * `unregister`; and RegisteredBuffer, what its owner's client has of it.
 *
 * Who was granted an access reads or writes in the same turn. One that takes longer is announced
 * with `begin`, and `unregister` waits for its end, after asking for it; so once that has resolved
 * nobody touches the buffer (B6). Memory that is lent is taken back at once, by force (B9).
 */
import type { Bytes } from '../api.js';
import { assert } from '../assert.js';
import type { Clock } from '../runtime.js';
import type { SharedRegion } from '../shared-memory.js';
import type { BufferMode, ReferenceFields } from './reference-layout.js';
import { fillLocal, makeLocal, pushViews, type Local } from './local-list.js';
import type { RemoteBufferReference } from './reference.js';
import { BufferUses, type BufferUse, type Holder, type UseKind } from './register-uses.js';
import { WriteTracker, type ByteRange } from './write-tracker.js';

/** What a registration needs of who keeps it. */
export interface RegistrationKeeper {
  readonly clock: Clock;
  /** It is no longer to be found. */
  ended(registration: Registration): void;
  /** Nobody touches its buffer any more. */
  left(registration: Registration): void;
}

export interface RegistrationSettings {
  readonly fields: ReferenceFields;
  readonly reference: RemoteBufferReference;
  /** Keys of whom alone it is for; undefined if it is for whoever has a reference. */
  readonly holders: ReadonlySet<string> | undefined;
  readonly tracker: WriteTracker | undefined;
  /** The memory behind it, shared already; undefined in copy mode. */
  readonly region: SharedRegion | undefined;
}

/** That an access was checked. It holds for the turn in which it was given. */
export interface Grant {
  readonly registration: Registration;
  /** Where the access begins in the registered buffer. */
  readonly offset: number;
  /** The holder may be lent the memory, if the registration lends it. */
  readonly mayMap: boolean;
}

/** An access that spans turns. */
export interface OpenAccess {
  /** The bytes themselves, to be read from or into. */
  readonly bytes: Bytes;
  /** Nobody touches the bytes from now on. Exactly once, in any case. */
  end(): void;
}

/** A buffer that other domains may use, until it is unregistered. */
export class RegisteredBuffer {
  /** To be passed on, whole or narrowed. */
  readonly reference: RemoteBufferReference;
  readonly #registration: Registration;

  /** @internal Use `Domain.registerBuffer`. */
  constructor(registration: Registration, reference: RemoteBufferReference) {
    this.reference = reference;
    this.#registration = registration;
  }

  /** How it is served: `copy` if the memory could not be lent. */
  get mode(): BufferMode {
    return this.reference.mode;
  }

  /**
   * Takes the buffer back. From the call on every new access fails STALE_REFERENCE. Once the
   * promise has resolved no domain can change a byte of the buffer or learn one that is stored
   * later, whatever it does. It never rejects, and its time is bounded. A second call returns the
   * same promise.
   */
  unregister(): Promise<void> {
    return this.#registration.unregister();
  }

  /**
   * The parts that other domains wrote since the last call: whole blocks of 4 KiB (the last one of
   * the buffer may be shorter), in order, neighbours joined. Exact while nobody writes; a block
   * that is being written is named now and again later, so none is ever missed. Legal after
   * `unregister`. Asserts unless the buffer was registered with `trackWrites`.
   */
  takeWrittenBlocks(): ByteRange[] {
    return this.#registration.takeWrittenBlocks();
  }

  /** Who used it, the most recent first, of at most 64; a copy. */
  uses(): BufferUse[] {
    return this.#registration.uses();
  }
}

export class Registration {
  readonly fields: ReferenceFields;
  readonly buffer: RegisteredBuffer;
  readonly registeredUnixMs: number;
  /** The memory that is lent; undefined in copy mode. */
  readonly region: SharedRegion | undefined;
  readonly #keeper: RegistrationKeeper;
  readonly #holders: ReadonlySet<string> | undefined;
  readonly #tracker: WriteTracker | undefined;
  readonly #uses = new BufferUses();
  readonly #open = new Set<Opened>();
  #local: Local | undefined;
  #isLive = true;
  #over: Promise<void> | undefined = undefined;
  #resolveOver: (() => void) | undefined = undefined;

  constructor(keeper: RegistrationKeeper, local: Bytes, settings: RegistrationSettings) {
    this.fields = settings.fields;
    this.buffer = new RegisteredBuffer(this, settings.reference);
    this.registeredUnixMs = keeper.clock.unixMs();
    this.#keeper = keeper;
    this.#holders = settings.holders;
    this.#tracker = settings.tracker;
    this.region = settings.region;
    this.#local = makeLocal(local);
  }

  /** False from the call of `unregister` on. */
  get isLive(): boolean {
    return this.#isLive;
  }

  get mode(): BufferMode {
    return this.fields.mode;
  }

  get inFlight(): number {
    return this.#open.size;
  }

  /** HOT; the only ones that it is for, if it is not for everybody. */
  get holders(): ReadonlySet<string> | undefined {
    return this.#holders;
  }

  /** HOT: the bytes themselves, valid for this turn; `offset` is that of a grant, or beyond it. */
  read(offset: number, byteLength: number): Bytes {
    return this.#viewsOf(this.#usable(), offset, byteLength);
  }

  /** HOT: copies from `source`, where the data begins at `from`. */
  write(offset: number, source: Uint8Array, from: number, byteLength: number): void {
    const local = this.#usable();
    this.#tracker?.mark(offset, byteLength);
    fillLocal(local, offset, source, from, byteLength);
  }

  /** HOT: counts an access that is over. */
  note(holder: Holder, kind: UseKind, byteLength: number): void {
    this.#uses.note(holder, kind, byteLength, this.#keeper.clock.unixMs());
  }

  /**
   * Announces an access that spans turns; undefined if it was unregistered since the grant.
   * `onRevoke` is called if it is unregistered meanwhile: it has to lead to `end` in bounded time,
   * by cutting what carries the data if need be, and may call `end` itself.
   */
  begin(
    holder: Holder,
    kind: 'read' | 'write',
    offset: number,
    byteLength: number,
    onRevoke: () => void,
  ): OpenAccess | undefined {
    if (!this.#isLive) return undefined;
    const bytes = this.#viewsOf(this.#usable(), offset, byteLength);
    const record = this.#uses.recordOf(holder);
    record.inFlight += 1;
    const mark = (): void => {
      if (kind === 'write') this.#tracker?.mark(offset, byteLength);
    };
    // Marked when it begins, or a taking meanwhile would miss what has landed; and when it ends, or
    // the next one would miss what landed since.
    mark();
    const opened = new Opened(bytes, onRevoke, () => {
      mark();
      record.inFlight -= 1;
      this.#open.delete(opened);
      this.#leaveIfIdle();
    });
    this.#open.add(opened);
    return opened;
  }

  /** What a holder needs to map the memory; undefined if it is to be served by copy. */
  describe(grant: Grant): Uint8Array | undefined {
    assert(grant.registration === this, 'a grant of this registration');
    return this.#isLive && grant.mayMap ? this.region?.describe() : undefined;
  }

  unregister(): Promise<void> {
    if (this.#over !== undefined) return this.#over;
    const over = new Promise<void>((resolve) => {
      this.#resolveOver = resolve;
    });
    this.#over = over;
    this.#isLive = false;
    this.#keeper.ended(this);
    this.region?.revoke();
    for (const opened of [...this.#open]) opened.revoke();
    this.#leaveIfIdle();
    return over;
  }

  takeWrittenBlocks(): ByteRange[] {
    const tracker = this.#tracker;
    assert(tracker !== undefined, 'the buffer was not registered with trackWrites', 'BAD_ARGUMENT');
    return tracker.take();
  }

  uses(): BufferUse[] {
    return this.#uses.list();
  }

  /** HOT */
  #usable(): Local {
    const local = this.#local;
    assert(this.#isLive && local !== undefined, 'a grant holds for the turn of its check');
    const isIntact = local.byteLength === this.fields.byteLength;
    assert(isIntact, 'a registered buffer is neither detached nor resized', 'BAD_ARGUMENT');
    return local;
  }

  #viewsOf(local: Local, offset: number, byteLength: number): Bytes {
    const views: Uint8Array[] = [];
    pushViews(local, offset, byteLength, views);
    const [first] = views;
    return views.length === 1 && first !== undefined ? first : views;
  }

  #leaveIfIdle(): void {
    if (this.#isLive || this.#open.size > 0 || this.#resolveOver === undefined) return;
    // Verified references remember this object for a while; the memory is not to stay for that.
    this.#local = undefined;
    const resolve = this.#resolveOver;
    this.#resolveOver = undefined;
    this.#keeper.left(this);
    resolve();
  }
}

/** An access between `begin` and `end`. */
class Opened implements OpenAccess {
  readonly bytes: Bytes;
  readonly #onRevoke: () => void;
  #onEnd: (() => void) | undefined;

  constructor(bytes: Bytes, onRevoke: () => void, onEnd: () => void) {
    this.bytes = bytes;
    this.#onRevoke = onRevoke;
    this.#onEnd = onEnd;
  }

  end(): void {
    const onEnd = this.#onEnd;
    assert(onEnd !== undefined, 'an access ends once');
    this.#onEnd = undefined;
    onEnd();
  }

  /** One revocation may lead to the end of others. */
  revoke(): void {
    if (this.#onEnd !== undefined) this.#onRevoke();
  }
}
