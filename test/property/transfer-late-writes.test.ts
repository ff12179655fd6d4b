/**
 * No late write lands (B5): requests of several holders delivered late, twice and in any order, on
 * two paths, among fences, stalls of the owner and passing time; checked against what each holder
 * may rely on.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ErrorCode } from '../../core/errors.js';
import type { RemoteBufferReference } from '../../core/transfer/reference.js';
import {
  domainIdBytes,
  holderKeyBytes,
  RequestHead,
  requestHeadBytes,
  TransferOp,
} from '../../core/transfer/transfer-wire.js';
import { createRandom, randomBytes, seedOfThisRun, type Random } from '../compliance/random.js';
import { leaseMsOfRig, TransferRig, type Party } from '../unit/transfer-rig.js';
import { readAnswer, Slots } from '../unit/transfer-slots.js';

const runs = 40;
const stepsPerRun = 1_500;
/** Ranges of 4 bytes; a Write stores its own number there. */
const rangeCount = 6;
const rangeBytes = 4;
const holderCount = 3;
/** What is under way is kept up to this, and as a rule one of the latest comes next. */
const packetsMax = 100;
const recentCount = 8;
/** Clocks differ by up to 1 %, and a holder adds this. */
const slackMs = 10;
const aheadMs = 0.02;
/** More than the owner remembers. */
const manyFences = 4_200;

/** One attempt to write a range. */
interface Operation {
  readonly holder: Holder;
  readonly number: number;
  readonly range: number;
  /** By the holder's clock. */
  submittedMs: number;
  /** The holder submits no more of it. */
  isOver: boolean;
  /** The holder was told that it is fenced. */
  isFenced: boolean;
}

/** A request under way; it may be delivered again and again. */
interface Packet {
  readonly parameters: Uint8Array;
  readonly operation: Operation;
  readonly op: TransferOp;
  /** What a Write stores. */
  readonly mark: number;
  /** When it was submitted, and the stamp in it. */
  readonly submittedMs: number;
  readonly stamp: number;
}

interface Answer {
  readonly stamp: number;
  readonly holder: Holder;
}

class Holder {
  readonly head: RequestHead;
  /** How fast its clock goes. */
  readonly rate: number;
  stamp = 0;
  operationCount = 0;

  constructor(random: Random, reference: RemoteBufferReference) {
    this.head = new RequestHead(randomBytes(random, holderKeyBytes));
    this.head.setReference(reference.encode());
    this.rate = 0.99 + (random() % 21) / 1_000;
  }
}

class Model {
  readonly counts = { landed: 0, late: 0, fenced: 0, retried: 0, duplicates: 0, floors: 0 };
  readonly #random: Random;
  readonly #rig: TransferRig;
  readonly #owner: Party;
  readonly #slots: Slots;
  readonly #memory: DataView;
  readonly #holders: readonly Holder[];
  readonly #expected = new Uint32Array(rangeCount);
  /** By range: the operation that may write it now. */
  readonly #current: (Operation | undefined)[] = new Array<undefined>(rangeCount);
  readonly #packets: Packet[] = [];
  readonly #answers: Answer[] = [];
  readonly #landed = new Set<number>();
  #markCount = 0;
  #floorMs = -1;

  constructor(
    random: Random,
    rig: TransferRig,
    owner: Party,
    slots: Slots,
    local: Uint8Array,
    reference: RemoteBufferReference,
  ) {
    this.#random = random;
    this.#rig = rig;
    this.#owner = owner;
    this.#slots = slots;
    this.#memory = new DataView(local.buffer);
    this.#holders = Array.from({ length: holderCount }, () => new Holder(random, reference));
  }

  get #nowMs(): number {
    return this.#rig.runtime.clock.now();
  }

  step(): void {
    const random = this.#random;
    switch (random() % 16) {
      case 0:
        this.#rig.runtime.advance(random() % 60);
        break;
      case 1:
        if (random() % 16 === 0) this.#rig.runtime.stall((random() % 4) * (leaseMsOfRig / 2));
        break;
      case 2:
        this.#rig.runtime.advance((random() % 100) / 50);
        break;
      case 3:
      case 4:
      case 5:
        this.#begin(random() % rangeCount);
        break;
      case 6:
      case 7:
      case 8:
        this.#submit(random() % rangeCount);
        break;
      case 9:
        this.#giveUp(random() % rangeCount);
        break;
      case 10:
      case 11:
        this.#hearAnswer();
        if (random() % 128 === 0) this.#fenceMany();
        break;
      default:
        this.#deliver();
    }
    for (let range = 0; range < rangeCount; range++) {
      const stored = this.#memory.getUint32(range * rangeBytes, true);
      assert.equal(stored, this.#expected[range], `range ${range} holds what was last written`);
    }
  }

  /** A holder takes a range over, if nothing of the operation before can land there any more. */
  #begin(range: number): void {
    const former = this.#current[range];
    if (former !== undefined) {
      if (!former.isOver || !(former.isFenced || this.#isOutOfLease(former))) return;
      this.counts.retried++;
    }
    const holder = this.#holders[this.#random() % holderCount];
    assert(holder !== undefined);
    this.#current[range] = {
      holder,
      number: holder.operationCount++,
      range,
      submittedMs: 0,
      isOver: false,
      isFenced: false,
    };
    this.#submit(range);
  }

  /** By the holder's own clock, as it reckons. */
  #isOutOfLease({ holder, submittedMs }: Operation): boolean {
    return this.#nowMs * holder.rate > submittedMs + leaseMsOfRig * 1.01 + slackMs;
  }

  /** One more Write of the operation, and a question for a stamp now and then. */
  #submit(range: number): void {
    const operation = this.#current[range];
    if (operation === undefined || operation.isOver) return;
    this.#markCount++;
    this.#send(operation, TransferOp.Write, this.#markCount);
    if (this.#random() % 2 === 0) this.#send(operation, TransferOp.Lease, 0);
  }

  /** The path died, as far as the holder knows: nothing is submitted any more but the fence. */
  #giveUp(range: number): void {
    const operation = this.#current[range];
    if (operation === undefined) return;
    operation.isOver = true;
    this.#send(operation, TransferOp.Fence, 0);
  }

  #send(operation: Operation, op: TransferOp, mark: number): void {
    const { holder, number, range } = operation;
    const data = new Uint8Array(op === TransferOp.Write ? rangeBytes : 0);
    if (data.length > 0) new DataView(data.buffer).setUint32(0, mark, true);
    const offset = op === TransferOp.Write ? range * rangeBytes : 0;
    holder.head.set(op, offset, data.length, holder.stamp, number);
    const { bytes } = holder.head;
    // One path goes through a relay, whose request differs.
    const path = this.#random() % 2 === 0 ? [] : randomBytes(this.#random, domainIdBytes);
    const head = bytes.subarray(0, requestHeadBytes);
    const parameters = Uint8Array.of(
      ...head,
      ...path,
      ...bytes.subarray(requestHeadBytes),
      ...data,
    );
    parameters[1] = path.length / domainIdBytes;
    const submittedMs = this.#nowMs;
    if (op === TransferOp.Write) operation.submittedMs = submittedMs * holder.rate;
    this.#packets.push({ parameters, operation, op, mark, submittedMs, stamp: holder.stamp });
  }

  /** Any packet, a recent one as a rule; and often it stays, to come again. */
  #deliver(): void {
    const count = this.#packets.length;
    const isRecent = this.#random() % 8 > 0;
    const index = count - 1 - (this.#random() % (isRecent ? Math.min(count, recentCount) : count));
    const packet = this.#packets[index];
    if (packet === undefined) return;
    if (this.#random() % 3 > 0) this.#packets.splice(index, 1);
    if (count > packetsMax) this.#packets.shift();
    const answered = this.#slots.deliver(packet.parameters);
    assert(answered !== undefined, 'the owner answers at once');
    const answer = readAnswer(answered);
    if (packet.op === TransferOp.Write) this.#judge(packet, answer.code);
    else assert.equal(answer.code, ErrorCode.Ok);
    const { operation } = packet;
    // What a fence brings is known as soon as it is answered; a stamp may be on its way for long.
    if (packet.op === TransferOp.Fence) operation.isFenced = true;
    this.#answers.push({ stamp: answer.stamp, holder: operation.holder });
    this.#noteFloor();
  }

  #judge({ operation, mark, submittedMs, stamp }: Packet, code: ErrorCode): void {
    const ageMs = this.#nowMs - submittedMs;
    if (code === ErrorCode.Ok) {
      assert(!operation.isFenced, 'nothing of a fenced operation lands');
      assert(ageMs <= leaseMsOfRig, `nothing lands ${ageMs} ms after it was submitted`);
      const isCurrent = this.#current[operation.range] === operation;
      assert(isCurrent, 'nothing lands after a retry began');
      this.#expected[operation.range] = mark;
      if (this.#landed.has(mark)) this.counts.duplicates++;
      this.#landed.add(mark);
      this.counts.landed++;
    } else if (code === ErrorCode.Cancelled) {
      assert(operation.isFenced, 'only what was fenced is refused as fenced');
      this.counts.fenced++;
    } else {
      assert.equal(code, ErrorCode.StaleLease);
      // The owner's stamps may be ahead of its clock, by some microseconds.
      const isAfterFloor = stamp > this.#floorMs + aheadMs;
      const isGood = isAfterFloor && this.#nowMs - stamp <= leaseMsOfRig - aheadMs;
      assert(!isGood, 'what is in time is not refused as late');
      this.counts.late++;
    }
  }

  /** An answer reaches its holder, in any order: the latest stamp counts. */
  #hearAnswer(): void {
    const count = this.#answers.length;
    const index = count - 1 - (this.#random() % Math.min(count, recentCount));
    const [answer] = this.#answers.splice(index, 1);
    if (count > packetsMax) this.#answers.shift();
    if (answer !== undefined) answer.holder.stamp = Math.max(answer.holder.stamp, answer.stamp);
  }

  /** A crowd, or an attacker, that fills the owner's memory of fences. */
  #fenceMany(): void {
    const [holder] = this.#holders;
    assert(holder !== undefined);
    for (let count = 0; count < manyFences; count++) {
      holder.head.set(TransferOp.Fence, 0, 0, 0, 2 ** 40 + this.#markCount++);
      this.#slots.deliver(holder.head.bytes);
    }
    this.#noteFloor();
  }

  #noteFloor(): void {
    const { fenceFloors } = this.#owner.server.statistics();
    if (fenceFloors === this.counts.floors) return;
    this.counts.floors = fenceFloors;
    this.#floorMs = this.#nowMs;
  }
}

describe('late writes', () => {
  it('none lands after its lease, after its fence was answered, after a retry began', async () => {
    const seed = seedOfThisRun();
    const total = { landed: 0, late: 0, fenced: 0, retried: 0, duplicates: 0, floors: 0 };
    for (let run = 0; run < runs; run++) {
      const rig = new TransferRig(seed + run);
      const random = createRandom(seed + run);
      const owner = rig.add('owner');
      const [, ownerEnd] = await rig.connect(rig.add('holder'), owner);
      const local = new Uint8Array(rangeCount * rangeBytes);
      const { reference } = owner.registrations.register(local, { access: 'write' });
      const slots = new Slots(owner, ownerEnd, 16, 2_048);
      const model = new Model(random, rig, owner, slots, local, reference);
      for (let step = 0; step < stepsPerRun; step++) {
        try {
          model.step();
        } catch (error) {
          throw new Error(`seed ${seed}, run ${run}, step ${step}: ${String(error)}`, {
            cause: error,
          });
        }
      }
      // reason: the keys of an object literal are its own
      for (const key of Object.keys(total) as (keyof typeof total)[]) {
        total[key] += model.counts[key];
      }
      await rig.close();
    }
    const summary = `seed ${seed}: ${JSON.stringify(total)}`;
    for (const count of [total.landed, total.late, total.fenced, total.retried, total.duplicates]) {
      assert(count > 200, summary);
    }
    assert(total.floors > 5, summary);
  });
});
