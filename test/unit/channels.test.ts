/** Channels: the way to an owner, who is asked and who is trusted. Real domains, virtual time. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  createDomain,
  IdcError,
  RemoteBufferReference,
  type Domain,
  type DomainOptions,
  type Endpoint,
} from '../../core/index.js';
import { toHex } from '../../core/greeting.js';
import { createMemoryNetwork, memory, type MemoryNetwork } from '../../transports/memory/index.js';
import { VirtualRuntime } from './virtual-runtime.js';

const transferService = '.transfers';

class Scene {
  readonly runtime = new VirtualRuntime(7);
  readonly network: MemoryNetwork = createMemoryNetwork();

  domain(name: string, options: Partial<DomainOptions> = {}): Domain {
    const transports = [memory({ network: this.network })];
    return createDomain({ name, transports, runtime: this.runtime, wait: 'park', ...options });
  }

  /** Lets virtual time pass until the promise has settled. */
  async settle<T>(promise: Promise<T>, limitMs = 60_000): Promise<T> {
    const settled: true[] = [];
    const note = (): void => {
      settled.push(true);
    };
    promise.then(note, note);
    for (let passedMs = 0; settled.length === 0; passedMs += 1) {
      assert(passedMs < limitMs, `nothing came of it within ${limitMs} ms`);
      await this.pass(1);
    }
    return promise;
  }

  async pass(ms: number): Promise<void> {
    for (let passedMs = 0; passedMs < ms; passedMs += 1) {
      this.runtime.advance(1);
      for (let turn = 0; turn < 8; turn++) await Promise.resolve();
    }
  }

  /** An endpoint of `front` that is connected to `back`, and the other end. */
  async connect(front: Domain, back: Domain, address: string): Promise<[Endpoint, Endpoint]> {
    const ends = new Promise<[Endpoint, Endpoint]>((resolve) => {
      let near: Endpoint | undefined;
      let far: Endpoint | undefined;
      const check = (): void => {
        if (near !== undefined && far !== undefined) resolve([near, far]);
      };
      back.listen(address, () => ({
        connect: (endpoint) => {
          far = endpoint;
          check();
        },
      }));
      front.createEndpoint(address, {
        connect: (endpoint) => {
          near = endpoint;
          check();
        },
      });
    });
    return this.settle(ends);
  }

  async close(...domains: Domain[]): Promise<void> {
    await this.settle(Promise.all(domains.map((domain) => domain.close())));
    assert.deepEqual(this.runtime.crashes, []);
  }
}

const bytes = (value: number): Uint8Array => new Uint8Array(100).fill(value);
const copy = { access: 'readWrite', mode: 'copy' } as const;

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof IdcError) return `${error.code} ${error.execution}`;
    throw error;
  }
  return 'done';
}

describe('the way to an owner', () => {
  it('that only dials is a channel that it is summoned to dial', async () => {
    const scene = new Scene();
    const owner = scene.domain('owner');
    const holder = scene.domain('holder');
    const [, far] = await scene.connect(owner, holder, 'memory://holder/x');
    const local = bytes(1);
    const { reference } = owner.registerBuffer(local, copy);
    assert.deepEqual(reference.addresses, []);
    const decoded = RemoteBufferReference.decode(reference.encode(), far);
    await scene.settle(holder.sendToRemoteBuffer(decoded, bytes(2)));
    assert.deepEqual(local, bytes(2));
    await scene.close(owner, holder);
  });

  it('that listens is a channel to where it listens', async () => {
    const scene = new Scene();
    const owner = scene.domain('owner');
    const holder = scene.domain('holder');
    await scene.settle(owner.listen('memory://owner/x', () => ({})).ready);
    const local = bytes(1);
    const { reference } = owner.registerBuffer(local, copy);
    assert.deepEqual(reference.addresses, ['memory://owner/x']);
    const target = bytes(0);
    await scene.settle(holder.receiveFromRemoteBuffer(reference, target));
    assert.deepEqual(target, bytes(1));
    await scene.close(owner, holder);
  });

  it('is nowhere if nobody leads there', async () => {
    const scene = new Scene();
    const owner = scene.domain('owner');
    const holder = scene.domain('holder');
    const { reference } = owner.registerBuffer(bytes(1), copy);
    const received = codeOf(holder.receiveFromRemoteBuffer(reference, bytes(0)));
    assert.equal(await scene.settle(received), 'UNREACHABLE never');
    await scene.close(owner, holder);
  });

  it('closes when nothing has gone over it for a while, and opens again', async () => {
    const scene = new Scene();
    const owner = scene.domain('owner');
    const holder = scene.domain('holder');
    const listener = owner.listen('memory://owner/x', () => ({}));
    await scene.settle(listener.ready);
    const { reference } = owner.registerBuffer(bytes(1), copy);
    // A link is kept alive by a timer, at either end.
    const armed = (): number[] => [owner, holder].map((one) => one.statistics().timersArmed);
    assert.deepEqual(armed(), [0, 0]);
    await scene.settle(holder.receiveFromRemoteBuffer(reference, bytes(0)));
    assert(armed().every((count) => count > 0));
    await scene.pass(60_000);
    assert.deepEqual(armed(), [0, 0]);
    await scene.settle(holder.receiveFromRemoteBuffer(reference, bytes(0)));
    await scene.close(owner, holder);
  });
});

describe('a reference is not shown', () => {
  it('to a stranger that takes the name of its owner and dials a channel', async () => {
    const scene = new Scene();
    const id = new Uint8Array(16).fill(5);
    const owner = scene.domain('owner', { id });
    const holder = scene.domain('holder');
    await scene.settle(holder.listen('memory://holder/x', () => ({})).ready);
    holder.registerBuffer(bytes(1), copy);
    const { reference } = owner.registerBuffer(bytes(3), copy);
    const asked: string[] = [];
    // Its incarnation is that of the owner, too: the stranger has seen a greeting.
    const stranger = scene.domain('stranger', { id, runtime: impostor(scene, owner.incarnation) });
    assert.deepEqual([stranger.id, stranger.incarnation], [owner.id, owner.incarnation]);
    const channel = stranger.createEndpoint(`memory://holder/${transferService}`, {
      transaction: (transaction) => {
        asked.push(toHex(transaction.parameters));
        transaction.complete();
      },
    });
    await scene.settle(
      new Promise<void>((resolve) => {
        channel.lifecycle$.subscribe(({ type }) => {
          if (type === 'connect') resolve();
        });
      }),
    );
    const received = codeOf(holder.receiveFromRemoteBuffer(reference, bytes(0)));
    assert.equal(await scene.settle(received), 'UNREACHABLE never');
    assert.deepEqual(asked, []);
    await scene.close(owner, holder, stranger);
  });

  it('to a channel that nobody summoned', async () => {
    const scene = new Scene();
    const stranger = scene.domain('stranger');
    const holder = scene.domain('holder');
    await scene.settle(holder.listen('memory://holder/x', () => ({})).ready);
    holder.registerBuffer(bytes(1), copy);
    const endpoint = stranger.createEndpoint(
      `memory://holder/${transferService}`,
      {},
      { name: 'summoned-1234' },
    );
    const faults: string[] = [];
    endpoint.lifecycle$.subscribe((event) => {
      if (event.type === 'attempt') faults.push(event.fault);
    });
    await scene.pass(20);
    assert.equal(endpoint.state, 'absent');
    assert(faults.length > 0 && faults.every((fault) => fault === 'REFUSED'));
    await scene.close(stranger, holder);
  });
});

describe('a channel is refused', () => {
  it('where nobody could want anything', async () => {
    const scene = new Scene();
    const back = scene.domain('back');
    const front = scene.domain('front');
    await scene.settle(back.listen('memory://back/x', () => ({})).ready);
    const endpoint = front.createEndpoint(`memory://back/${transferService}`, {});
    await scene.pass(20);
    assert.equal(endpoint.lastFault, 'REFUSED');
    await scene.close(back, front);
  });

  it('to whom authorise denies transfers; services it may use all the same', async () => {
    const scene = new Scene();
    const asked: string[] = [];
    const owner = scene.domain('owner', {
      authorise: (peer, service, action) => {
        asked.push(`${peer.domainName} ${service} ${action}`);
        return action !== 'transfer';
      },
    });
    const holder = scene.domain('holder');
    await scene.connect(holder, owner, 'memory://owner/x');
    const { reference } = owner.registerBuffer(bytes(1), copy);
    const received = codeOf(holder.receiveFromRemoteBuffer(reference, bytes(0)));
    assert.equal(await scene.settle(received), 'UNREACHABLE never');
    assert(asked.includes('holder x connect'));
    assert(asked.includes(`holder ${transferService} transfer`));
    await scene.close(owner, holder);
  });
});

/** Runs on the same clock, and draws what makes it look like another domain of that incarnation. */
function impostor(scene: Scene, incarnation: string): VirtualRuntime {
  const { runtime } = scene;
  // reason: it has the runtime for its prototype
  return Object.create(runtime, {
    clock: { value: runtime.clock },
    scheduler: { value: runtime.scheduler },
    trackCalls: { value: () => runtime.trackCalls() },
    crash: {
      value: (error: Error) => {
        runtime.crash(error);
      },
    },
    prng: {
      value: {
        fill: (target: Uint8Array): void => {
          if (target.length === 8) target.set(Buffer.from(incarnation, 'hex'));
          else runtime.prng.fill(target);
        },
        fraction: () => runtime.prng.fraction(),
      },
    },
  }) as VirtualRuntime;
}
