/**
 * A bulk lane between the two sides of a rig, of which the test moves every body: how far it has
 * come, and when its source is free. It obeys the laws of `core/bulk-lane.ts`.
 */
import assert from 'node:assert/strict';
import type { BulkLane, LaneBytes } from '../../core/bulk-lane.js';
import type { Scheduler } from '../../core/runtime.js';
import { LaneEnd, type LaneEndHost } from '../../core/transfer/lane-end.js';
import type { LaneWrites } from '../../core/transfer/lane-writes.js';
import { ClaimRefusal, Fault, type PeerIdentity } from '../../core/transport.js';
import type { RigChannel } from './transfer-rig.js';

const identity: PeerIdentity = { kind: 'unproven', name: '', origin: 'the rig' };

function joined(bytes: LaneBytes): Uint8Array {
  return bytes instanceof Uint8Array ? bytes : new Uint8Array(Buffer.concat([...bytes]));
}

/** A body on its way. */
export class RigBody {
  readonly header: Uint8Array;
  readonly source: LaneBytes;
  readonly byteLength: number;
  /** Undefined before `begin`, and if nobody wants it. */
  target: LaneBytes | undefined = undefined;
  carriedBytes = 0;

  constructor(header: Uint8Array, source: LaneBytes) {
    this.header = new Uint8Array(header);
    this.source = source;
    this.byteLength = joined(source).length;
  }
}

/** What one side has sent, and where it arrives. */
export class RigLaneSide implements BulkLane {
  readonly end: LaneEnd;
  /** Bodies whose source is the lane's. */
  readonly outgoing: RigBody[] = [];
  isClosed = false;
  #isDown = false;
  #peer: RigLaneSide | undefined = undefined;
  readonly #scheduler: Scheduler;

  constructor(scheduler: Scheduler, host: LaneEndHost, writes: LaneWrites) {
    this.#scheduler = scheduler;
    this.end = new LaneEnd({ ...host, identity }, writes);
    this.end.attach(this);
  }

  set peer(peer: RigLaneSide) {
    this.#peer = peer;
  }

  send(header: Uint8Array, source: LaneBytes): ClaimRefusal | 0 {
    if (this.isClosed || this.#isDown) return ClaimRefusal.Down;
    this.outgoing.push(new RigBody(header, source));
    return 0;
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#scheduler.soon(() => {
      this.down(Fault.Closed);
      this.end.closed();
      this.#peer?.down(Fault.Closed);
    });
  }

  /** The lane is gone, for this side. */
  down(fault: Fault): void {
    if (this.#isDown) return;
    this.#isDown = true;
    this.outgoing.length = 0;
    this.end.linkDown(fault);
  }

  /** The oldest body, or `index` behind it, begins to arrive. */
  begin(index = 0): RigBody {
    const body = this.outgoing[index];
    assert(body !== undefined && this.#peer !== undefined, 'a body is on its way');
    body.target = this.#peer.end.target(body.header, body.byteLength);
    if (body.target !== undefined) assert.equal(joined(body.target).length, body.byteLength);
    return body;
  }

  /** More of it arrives. False if it was refused. */
  carry(body: RigBody, byteLength: number): boolean {
    assert(this.#peer !== undefined);
    const from = body.carriedBytes;
    body.carriedBytes += byteLength;
    if (body.target === undefined || !this.#peer.end.proceed()) {
      body.target = undefined;
      return false;
    }
    // Both are read at this moment and no earlier, as by a socket.
    assert(body.target instanceof Uint8Array, 'the buffers of these tests are in one part');
    body.target.set(joined(body.source).subarray(from, from + byteLength), from);
    return true;
  }

  /** The rest of it arrives. */
  land(body: RigBody): void {
    const isCarried = this.carry(body, body.byteLength - body.carriedBytes);
    if (isCarried) this.#peer?.end.landed();
  }

  /** The source of the oldest body is free. */
  free(): void {
    const body = this.outgoing.shift();
    assert(body !== undefined, 'a body was sent');
    this.end.sent();
  }

  /** All that was sent arrives. */
  flow(): void {
    while (this.outgoing.length > 0) {
      this.land(this.begin());
      this.free();
    }
  }
}

interface RigLaneEnds {
  readonly holder: RigChannel;
  readonly owner: RigChannel;
  readonly writes: LaneWrites | undefined;
}

export class RigLane {
  readonly holder: RigLaneSide;
  readonly owner: RigLaneSide;

  constructor(
    scheduler: Scheduler,
    hostOf: (channel: RigChannel) => LaneEndHost,
    { holder, owner, writes }: RigLaneEnds,
  ) {
    assert(writes !== undefined, 'the owner takes lanes');
    this.holder = new RigLaneSide(scheduler, hostOf(holder), writes);
    this.owner = new RigLaneSide(scheduler, hostOf(owner), writes);
    this.holder.peer = this.owner;
    this.owner.peer = this.holder;
    holder.lane = this.holder.end;
    owner.lane = this.owner.end;
    this.holder.end.linkUp(identity);
    this.owner.end.linkUp(identity);
  }

  flow(): void {
    this.holder.flow();
    this.owner.flow();
  }

  /** Both sides learn of it. */
  cut(): void {
    this.holder.down(Fault.Reset);
    this.owner.down(Fault.Reset);
  }
}
