/**
 * LaneRig: what one test of lanes runs on. It opens and accepts lanes over the domains of a Rig,
 * and at the end closes them before the rig looks for what was left behind.
 */
import assert from 'node:assert/strict';
import type {
  Accept,
  Address,
  BulkLane,
  Fault,
  Link,
  LinkSink,
  TransportListener,
} from '../../core/contract.js';
import { End } from './end.js';
import { LaneEnd } from './lane-end.js';
import type { MakeHarness } from './harness.js';
import { Rig } from './rig.js';
import type { TestDomain } from './test-domain.js';

/** A listener that accepts lanes. What was accepted as a link first is closed when it is told. */
export class LaneListener implements Accept {
  /** The accepted lanes, in order. */
  readonly lanes: LaneEnd[] = [];
  /** Every link that was accepted, lanes before they were known included. */
  readonly links: End[] = [];
  address: Address | undefined = undefined;
  closedCount = 0;

  /** What the client does with a new lane before `acceptLane` returns; how it claims it. */
  onLane: (end: LaneEnd) => void = () => undefined;

  readonly #rig: Rig;
  #listener: TransportListener | undefined = undefined;

  constructor(rig: Rig) {
    this.#rig = rig;
  }

  attach(listener: TransportListener): void {
    this.#listener = listener;
  }

  close(): void {
    this.#rig.monitor.call('listener.close', () => this.#listener?.close());
  }

  listening(address: Address): void {
    this.address = address;
  }

  failed(fault: Fault): void {
    this.#rig.monitor.expect(false, `the listener failed: ${fault}`);
  }

  accept(link: Link): LinkSink {
    const end = new End(`link ${String(this.links.length)}`, this.#rig.monitor);
    this.#rig.monitor.told('listener', 'accept', () => {
      this.links.push(end);
      end.attach(link);
      end.onDown = () => {
        end.close();
      };
    });
    return end;
  }

  acceptLane(lane: BulkLane): LaneEnd {
    const end = new LaneEnd(`accepted lane ${String(this.lanes.length)}`, this.#rig.monitor);
    this.#rig.monitor.told('listener', 'acceptLane', () => {
      this.lanes.push(end);
      end.attach(lane);
      this.onLane(end);
    });
    return end;
  }

  closed(): void {
    this.closedCount += 1;
  }
}

/** A lane of which both ends are up. */
export interface LanePair {
  readonly dialler: LaneEnd;
  readonly acceptor: LaneEnd;
}

export interface LaneMeeting extends LanePair {
  readonly listener: LaneListener;
  readonly dialling: TestDomain;
  readonly listening: TestDomain;
}

export class LaneRig {
  readonly rig: Rig;
  readonly #listeners: LaneListener[] = [];
  readonly #dialled: LaneEnd[] = [];
  readonly #domains: TestDomain[] = [];

  private constructor(rig: Rig) {
    this.rig = rig;
  }

  static async create(makeHarness: MakeHarness): Promise<LaneRig> {
    return new LaneRig(await Rig.create(makeHarness));
  }

  listeningDomain(): TestDomain {
    return this.#note(this.rig.domain(this.rig.harness.listener));
  }

  diallingDomain(): TestDomain {
    return this.#note(this.rig.domain(this.rig.harness.dialler));
  }

  /** A listener that is listening. */
  async listen(domain: TestDomain = this.listeningDomain()): Promise<LaneListener> {
    const listener = new LaneListener(this.rig);
    this.#listeners.push(listener);
    const address = this.rig.harness.listenAddress();
    const { transport } = domain;
    listener.attach(this.rig.monitor.call('listen', () => transport.listen(address, listener)));
    await this.rig.until('the listener listens', () => listener.address !== undefined);
    return listener;
  }

  async dialAddress(listener: LaneListener): Promise<Address> {
    assert.ok(listener.address !== undefined);
    return this.rig.harness.dialAddress(listener.address);
  }

  open(domain: TestDomain, address: Address): LaneEnd {
    const { transport } = domain;
    const end = new LaneEnd(`dialled lane ${String(this.#dialled.length)}`, this.rig.monitor);
    this.#dialled.push(end);
    const lane = this.rig.monitor.call('openLane', () => transport.openLane?.(address, end));
    assert.ok(lane !== undefined, 'a transport whose bulk is `lane` has openLane');
    end.attach(lane);
    return end;
  }

  /** Dials and waits until both ends are up. One dial at a time, so that the ends are known. */
  async dial(domain: TestDomain, listener: LaneListener): Promise<LanePair> {
    const index = listener.lanes.length;
    const dialler = this.open(domain, await this.dialAddress(listener));
    const isUp = (): boolean => dialler.isUp && listener.lanes[index]?.isUp === true;
    await this.rig.until('both ends are up', isUp);
    const acceptor = listener.lanes[index];
    assert.ok(acceptor !== undefined);
    return { dialler, acceptor };
  }

  /** Dials, and lets the acceptor claim the lane by a body of its own that leaves no trace. */
  async dialClaimed(domain: TestDomain, listener: LaneListener): Promise<LanePair> {
    const pair = await this.dial(domain, listener);
    assert.equal(pair.dialler.send(Uint8Array.of(0xff), new Uint8Array(0)), 0);
    const { acceptor, dialler } = pair;
    const isClaimed = (): boolean => acceptor.landedCount === 1 && dialler.sentCount === 1;
    await this.rig.until('the lane is claimed', isClaimed);
    acceptor.landings.length = 0;
    acceptor.landedCount = 0;
    acceptor.targetCount = 0;
    dialler.sentCount = 0;
    return pair;
  }

  /** Two domains and a claimed lane between them. */
  async pair(): Promise<LaneMeeting> {
    const listening = this.listeningDomain();
    const dialling = this.diallingDomain();
    const listener = await this.listen(listening);
    return { ...(await this.dialClaimed(dialling, listener)), listener, listening, dialling };
  }

  /** Closes what the test left open, and lets the rig look for what remains. */
  async dispose(): Promise<void> {
    for (const domain of this.#domains) domain.resume();
    for (const listener of this.#listeners) listener.close();
    const ends = (): LaneEnd[] => [
      ...this.#dialled,
      ...this.#listeners.flatMap((listener) => listener.lanes),
    ];
    const links = (): End[] => this.#listeners.flatMap((listener) => listener.links);
    await this.rig.until('every lane and listener is closed', () => {
      for (const end of [...ends(), ...links()]) if (!end.isCloseCalled) end.close();
      const isAllClosed = [...ends(), ...links()].every((end) => end.isClosed);
      return isAllClosed && this.#listeners.every((listener) => listener.closedCount === 1);
    });
    await this.rig.dispose();
  }

  #note(domain: TestDomain): TestDomain {
    this.#domains.push(domain);
    return domain;
  }
}

/** Declares one fact that a law of lanes implies, and how to see it. */
export type LaneCheck = (fact: string, body: (lanes: LaneRig) => Promise<void>) => void;
