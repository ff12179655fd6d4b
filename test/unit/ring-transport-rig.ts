/** What tests of the ring transport share: a rig that looks for leaks, names, and raw wires. */
import { randomBytes } from 'node:crypto';
import { createServer, Socket, type Server } from 'node:net';
import { it, type TestContext } from 'node:test';
import {
  createRuntime,
  parseAddress,
  type Runtime,
  type TransportFactory,
} from '../../core/contract.js';
import { ring } from '../../transports/ring/index.js';
import type { End } from '../compliance/end.js';
import { turnEventLoop } from '../compliance/harness.js';
import type { ListenerRecord } from '../compliance/listener-record.js';
import { Rig } from '../compliance/rig.js';
import { dialUnix, listenUnix } from '../../transports/ring/unix-socket.js';
import { requireNative } from './ring-memory-rig.js';

/** A name that nobody else uses, and leaves nothing behind. */
export function freshName(): string {
  return `test-${randomBytes(8).toString('hex')}`;
}

export function ringAddress(name: string): string {
  return `ring://${encodeURIComponent(name)}/`;
}

/** Wires and listeners without a transport; `dispose` ends them. */
export class Strangers {
  readonly #wires: Socket[] = [];
  readonly #servers: Server[] = [];

  /** A wire to a listener's name with nothing behind it. */
  dial(name: string): Socket {
    const descriptor = dialUnix(requireNative(), name);
    if (typeof descriptor === 'string') throw new Error(descriptor);
    return this.#adopt(new Socket({ fd: descriptor, readable: true, writable: true }));
  }

  /** The name of a listener; `accept` is given who dials. */
  listen(accept: (wire: Socket) => void): string {
    const name = freshName();
    const listener = listenUnix(requireNative(), name);
    if (typeof listener === 'string') throw new Error(listener);
    const server = createServer((wire) => {
      accept(this.#adopt(wire));
    });
    this.#servers.push(server.listen({ fd: listener.descriptor }));
    return name;
  }

  dispose(): void {
    for (const wire of this.#wires) wire.destroy();
    for (const server of this.#servers) server.close();
  }

  #adopt(wire: Socket): Socket {
    wire.on('error', () => undefined); // The other end may be gone at any time.
    this.#wires.push(wire);
    return wire;
  }
}

/** A test on a rig of its own, which closes everything at the end and looks for leaks. */
export function check(
  fact: string,
  body: (rig: Rig, context: TestContext, strangers: Strangers) => Promise<void>,
  factory: TransportFactory = ring({ ringBytes: 16_384 }),
  runtime: Runtime = createRuntime(),
): void {
  it(fact, async (context) => {
    const strangers = new Strangers();
    const rig = await Rig.create(() => ({
      runtime,
      listener: factory,
      dialler: factory,
      raw: undefined,
      listenAddress: () => parseAddress(ringAddress(freshName())),
      dialAddress: (listening) => Promise.resolve(listening),
      absentAddress: () => Promise.resolve(parseAddress(ringAddress(freshName()))),
      settle: () => turnEventLoop(),
      sever: () => undefined,
      dispose: () => {
        strangers.dispose();
        return Promise.resolve();
      },
    }));
    try {
      await body(rig, context, strangers);
    } finally {
      await rig.dispose();
    }
  });
}

/** Dials in a domain of its own. */
export function dial(rig: Rig, name: string, factory: TransportFactory = rig.harness.dialler): End {
  return rig.domain(factory).open(parseAddress(ringAddress(name)));
}

/** Listens in a domain of its own, and waits for what becomes of it. */
export async function listen(
  rig: Rig,
  name: string,
  factory: TransportFactory = rig.harness.listener,
): Promise<ListenerRecord> {
  const record = rig.domain(factory).listen(parseAddress(ringAddress(name)));
  await rig.until('it listens or fails', () => {
    return record.address !== undefined || record.fault !== undefined;
  });
  return record;
}

/** Both ends come up, and a frame goes each way. */
export async function expectTraffic(
  rig: Rig,
  dialler: End,
  listener: ListenerRecord,
  index = 0,
): Promise<End> {
  await rig.until('both are up', () => dialler.isUp && listener.ends[index]?.isUp === true);
  const acceptor = listener.ends[index];
  if (acceptor === undefined) throw new Error('no end');
  for (const [source, target] of [
    [dialler, acceptor],
    [acceptor, dialler],
  ] as const) {
    const count = target.frameCount;
    if (!source.send(Uint8Array.of(7, 7, 7))) throw new Error('an idle link refused a frame');
    await rig.until('a frame came', () => target.frameCount === count + 1);
  }
  return acceptor;
}
