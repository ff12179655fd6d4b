/** Keep-alive over fake sessions on a virtual clock: who is asked, when, and who is judged. */
import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import { KeepAlive, type Watcher } from '../../core/keep-alive.js';
import { ErrorCode } from '../../core/errors.js';
import type { Session } from '../../core/session.js';
import { TimerWheel } from '../../core/timer-wheel.js';
import { SessionPair } from './session-pair.js';
import { VirtualRuntime } from './virtual-runtime.js';

const intervalMs = 100;

/** As much of a session as keep-alive touches. */
class FakeSession {
  isPingOut = false;
  watcher: Watcher | undefined = undefined;
  pings = 0;
  /** How often it was looked at whether it waits. */
  looks = 0;
  #isHeard = false;
  #isWaiting = false;
  failedAs: string | undefined = undefined;
  readonly #onFail: (session: FakeSession) => void;

  constructor(onFail: (session: FakeSession) => void) {
    this.#onFail = onFail;
  }

  ping(): void {
    if (this.isPingOut || this.failedAs !== undefined) return;
    this.isPingOut = true;
    this.pings++;
    this.watcher?.woken();
  }

  get isWaiting(): boolean {
    this.looks++;
    return this.#isWaiting;
  }

  /** Something was submitted that waits for the peer, or was answered. */
  set isWaiting(isWaiting: boolean) {
    this.#isWaiting = isWaiting;
    this.watcher?.woken();
  }

  takeHeard(): boolean {
    const isHeard = this.#isHeard;
    this.#isHeard = false;
    return isHeard;
  }

  rest(): void {
    assert(
      !this.#isHeard && !this.isPingOut && !this.#isWaiting,
      'it has nothing to be watched for',
    );
  }

  fail(reason: string): void {
    assert.equal(this.failedAs, undefined, 'judged once');
    this.failedAs = reason;
    this.#onFail(this);
  }

  /** Traffic came in. */
  hear(): void {
    this.#isHeard = true;
    this.watcher?.woken();
  }

  /** The peer answers, if it was asked. */
  pong(): void {
    if (!this.isPingOut) return;
    this.isPingOut = false;
    this.hear();
  }
}

class Rig {
  readonly runtime = new VirtualRuntime();
  readonly wheel: TimerWheel = new TimerWheel(this.runtime);
  readonly keepAlive: KeepAlive = new KeepAlive(this.runtime, this.wheel);

  join(peerKey: string): FakeSession {
    const session = new FakeSession((failed) => {
      this.leave(failed);
    });
    this.keepAlive.join(asSession(session), peerKey, intervalMs);
    return session;
  }

  leave(session: FakeSession): void {
    this.keepAlive.leave(asSession(session));
  }

  joinMany(peerKey: string, count: number): FakeSession[] {
    return Array.from({ length: count }, () => this.join(peerKey));
  }

  /** `count` intervals, each with a tick to spare; in each of them `during` happens first. */
  ticks(count: number, during: () => void = () => undefined): void {
    for (let tick = 0; tick < count; tick++) {
      during();
      this.runtime.advance(intervalMs + 4);
    }
  }
}

function asSession(session: FakeSession): Session {
  // reason: keep-alive uses these members only, and a real session needs a link and a peer
  return session as unknown as Session;
}

function pingsOf(sessions: readonly FakeSession[]): number {
  return sessions.reduce((sum, { pings }) => sum + pings, 0);
}

describe('keep-alive of an idle group', () => {
  it('one ping for the whole group in each interval, however many sessions share it', () => {
    const rig = new Rig();
    const sessions = rig.joinMany('peer', 50);
    for (let tick = 1; tick <= 10; tick++) {
      rig.ticks(1);
      for (const session of sessions) session.pong();
    }
    assert(pingsOf(sessions) <= 10, `${pingsOf(sessions)} pings`);
    assert(pingsOf(sessions) >= 5, `${pingsOf(sessions)} pings`);
    assert(sessions.every(({ failedAs }) => failedAs === undefined));
  });

  it('one ping for each group: peers are apart, and so are intervals', () => {
    const rig = new Rig();
    const groups = ['one', 'two', 'three'].map((key) => rig.joinMany(key, 3));
    rig.ticks(1);
    assert.deepEqual(groups.map(pingsOf), [1, 1, 1]);
  });

  it('those that rest are not looked at', () => {
    const rig = new Rig();
    const sessions = rig.joinMany('peer', 50);
    const looksOf = (): number => sessions.reduce((sum, { looks }) => sum + looks, 0);
    rig.ticks(1);
    const before = looksOf();
    rig.ticks(10, () => {
      for (const session of sessions) session.pong();
    });
    assert(looksOf() - before <= 20, `${looksOf() - before} looks`);
  });

  it('one timer of the wheel for each group', () => {
    const rig = new Rig();
    rig.joinMany('one', 20);
    rig.joinMany('two', 20);
    assert.equal(rig.wheel.armedCount, 2);
  });
});

describe('keep-alive while traffic flows', () => {
  it('nobody is pinged', () => {
    const rig = new Rig();
    const sessions = rig.joinMany('peer', 5);
    rig.ticks(20, () => {
      for (const session of sessions) session.hear();
    });
    assert.equal(pingsOf(sessions), 0);
  });

  it('on one session it speaks for the group for some ticks, unless another one waits', () => {
    const rig = new Rig();
    const [busy, idle] = rig.joinMany('peer', 2);
    rig.ticks(4, () => busy?.hear());
    assert.equal(idle?.pings, 0);
    idle.isWaiting = true;
    rig.ticks(1, () => busy?.hear());
    assert.equal(idle.pings, 1);
  });
});

describe('keep-alive of a large group', () => {
  it('idle sessions beside a busy one are asked in turn, one in a tick at most', () => {
    const rig = new Rig();
    const [busy, ...idle] = rig.joinMany('peer', 6);
    let pings = 0;
    for (let tick = 0; tick < 30; tick++) {
      rig.ticks(1, () => busy?.hear());
      const asked = pingsOf(idle) - pings;
      pings += asked;
      assert.ok(asked <= 1, 'one in a tick');
      for (const session of idle) session.pong();
    }
    assert.ok(
      idle.every((session) => session.pings > 0),
      'everyone had a turn',
    );
    assert.equal(busy?.pings, 0);
  });
});

describe('keep-alive of sessions that wait', () => {
  it('each one that heard nothing is pinged, those that heard something are not', () => {
    const rig = new Rig();
    const sessions = rig.joinMany('peer', 4);
    for (const session of sessions) session.isWaiting = true;
    rig.ticks(1, () => sessions[2]?.hear());
    assert.deepEqual(
      sessions.map(({ pings }) => pings),
      [1, 1, 0, 1],
    );
  });

  it('a ping that is out is not repeated', () => {
    const rig = new Rig();
    const session = rig.join('peer');
    session.isWaiting = true;
    rig.ticks(3);
    assert.equal(session.pings, 1);
  });
});

describe('keep-alive of a silent peer', () => {
  it('SILENT after three unanswered intervals: the fifth after its last word', () => {
    const rig = new Rig();
    const session = rig.join('peer');
    session.hear();
    let ticks = 0;
    while (session.failedAs === undefined && ticks < 20) {
      rig.ticks(1);
      ticks++;
    }
    assert.equal(session.failedAs, 'SILENT');
    assert.equal(ticks, 5);
    assert.equal(session.pings, 1);
  });

  it('an answer in the last interval saves it', () => {
    const rig = new Rig();
    const session = rig.join('peer');
    for (let round = 0; round < 5; round++) {
      rig.ticks(3);
      session.pong();
    }
    assert.equal(session.failedAs, undefined);
  });

  it('traffic without the pong counts as life: only silence is judged', () => {
    const rig = new Rig();
    const session = rig.join('peer');
    rig.ticks(1);
    assert(session.isPingOut);
    rig.ticks(20, () => {
      session.hear();
    });
    assert.equal(session.failedAs, undefined);
  });

  it('an idle path that died is noticed while another one talks', () => {
    const rig = new Rig();
    const [talking, dead] = rig.joinMany('peer', 2);
    rig.ticks(5 + 2, () => talking?.hear());
    assert.equal(talking?.pings, 0, 'where traffic flows nobody asks');
    assert.equal(dead?.pings, 1);
    rig.ticks(1, () => {
      talking.hear();
    });
    assert.equal(dead.failedAs, 'SILENT');
    assert.equal(talking.failedAs, undefined);
  });

  it('all others of its group are asked at once, and judged by their own silence', () => {
    const rig = new Rig();
    const sessions = rig.joinMany('peer', 6);
    const other = rig.joinMany('other', 2);
    const [first, ...others] = sessions;
    rig.ticks(4, () => other[0]?.hear());
    assert.equal(first?.failedAs, 'SILENT');
    assert.deepEqual(
      others.map(({ isPingOut, failedAs }) => [isPingOut, failedAs]),
      others.map(() => [true, undefined]),
    );
    assert.equal(pingsOf(other), 0, 'another peer has nothing to do with it');
    others[0]?.pong();
    rig.ticks(3, () => others[0]?.hear());
    assert.deepEqual(
      others.map(({ failedAs }) => failedAs),
      [undefined, ...others.slice(1).map(() => 'SILENT')],
    );
  });
});

describe('keep-alive after a stall of our own', () => {
  it('a late tick judges nobody, however late', () => {
    const rig = new Rig();
    const session = rig.join('peer');
    rig.ticks(3);
    assert.equal(session.watcher?.unansweredTicks, 2);
    for (let stall = 0; stall < 10; stall++) {
      rig.runtime.stall(10 * intervalMs);
      rig.runtime.advance(0);
      assert.equal(session.failedAs, undefined);
    }
    rig.ticks(1);
    assert.equal(session.failedAs, 'SILENT');
  });

  it('what came in during the stall counts', () => {
    const rig = new Rig();
    const session = rig.join('peer');
    rig.ticks(3);
    rig.runtime.stall(10 * intervalMs);
    rig.runtime.advance(0);
    session.pong();
    rig.ticks(3);
    assert.equal(session.failedAs, undefined);
  });
});

describe('keep-alive: joining and leaving', () => {
  it('the last one that leaves takes the timer with it', () => {
    const rig = new Rig();
    const sessions = rig.joinMany('peer', 3);
    for (const session of sessions) {
      assert.equal(rig.wheel.armedCount, 1);
      rig.leave(session);
    }
    assert.equal(rig.wheel.armedCount, 0);
    assert.equal(rig.runtime.pendingCount, 0);
  });

  it('leaving twice is leaving once', () => {
    const rig = new Rig();
    const [one, two] = rig.joinMany('peer', 2);
    assert(one !== undefined && two !== undefined);
    rig.leave(one);
    rig.leave(one);
    rig.ticks(1);
    assert.deepEqual([one.pings, two.pings], [0, 1]);
  });

  it('who has left is asked nothing; the next one speaks for the group', () => {
    const rig = new Rig();
    const sessions = rig.joinMany('peer', 3);
    rig.ticks(1);
    const asked = sessions.find(({ pings }) => pings === 1);
    assert(asked !== undefined);
    rig.leave(asked);
    rig.ticks(6, () => {
      for (const session of sessions) if (session !== asked) session.pong();
    });
    assert.equal(asked.pings, 1);
    assert(sessions.every(({ failedAs }) => failedAs === undefined));
    assert(pingsOf(sessions) > 1);
  });
});

describe('a session that rests', () => {
  /** How often a session that has been resting tells its watcher while `act` runs. */
  function tellsOf(act: (pair: SessionPair) => void): number {
    const pair = new SessionPair({});
    const { session } = pair.near;
    new KeepAlive(pair.runtime, new TimerWheel(pair.runtime)).join(session, 'peer', intervalMs);
    assert(session.watcher !== undefined);
    const woken = mock.method(session.watcher, 'woken');
    session.watcher.rest();
    act(pair);
    return woken.mock.callCount();
  }

  it('tells of the first message or transaction that it submits', () => {
    const body = Uint8Array.of(1);
    const messages = tellsOf(({ near }) => {
      near.initiator.submitMessage(body);
      near.initiator.submitMessage(body);
    });
    const transactions = tellsOf(({ near }) => {
      near.transact('a', body);
      near.transact('b', body);
    });
    const refused = tellsOf(({ near }) => {
      near.initiator.submitMessage(new Uint8Array(2 ** 20));
    });
    assert.deepEqual([messages, transactions, refused], [1, 1, 0]);
  });

  it('tells of the first frame, of a ping of its own, and of its goodbye', () => {
    const body = Uint8Array.of(1);
    const frames = tellsOf((pair) => {
      pair.far.initiator.submitMessage(body);
      pair.far.initiator.submitMessage(body);
      pair.settle();
    });
    const pings = tellsOf(({ near }) => {
      near.session.ping();
    });
    const goodbyes = tellsOf(({ near }) => {
      near.session.leave(ErrorCode.Destroyed, true, 100);
    });
    assert.deepEqual([frames, pings, goodbyes], [1, 1, 1]);
  });
});
