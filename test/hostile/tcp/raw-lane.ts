/**
 * What the hostile tests of lanes share: a listener of ours that takes lanes, raw peers that speak
 * the wire of lanes as they like, and a raw listener that is dialled.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { it } from 'node:test';
import { createRuntime, parseAddress, type Address, type Runtime } from '../../../core/contract.js';
import type { LaneEnd } from '../../compliance/lane-end.js';
import { LaneRig, type LaneListener } from '../../compliance/lane-rig.js';
import { makeTcpHarness } from '../../compliance/tcp-harness.js';
import { TcpWire } from '../../compliance/tcp-wire.js';

/** Made independently of the code under test. */
export const preamble: Uint8Array = Uint8Array.of(0x49, 0x44, 0x4c, 0x81);

/** Prefix and header of a record whose lengths may lie. */
export function head(
  header: Uint8Array,
  bodyBytes: number,
  headerBytes: number = header.byteLength,
): Uint8Array {
  const prefix = new DataView(new ArrayBuffer(8));
  prefix.setUint32(0, bodyBytes, true);
  prefix.setUint8(4, headerBytes);
  return Buffer.concat([new Uint8Array(prefix.buffer), header]);
}

export function record(header: Uint8Array, body: Uint8Array): Uint8Array {
  return Buffer.concat([head(header, body.byteLength), body]);
}

/** A raw peer whose lane one of our listeners has accepted. */
export interface RawLane {
  readonly peer: Socket;
  readonly end: LaneEnd;
}

export class RawLanes {
  readonly lanes: LaneRig;
  readonly wire: TcpWire;
  readonly #servers: Server[] = [];

  constructor(lanes: LaneRig, wire: TcpWire) {
    this.lanes = lanes;
    this.wire = wire;
  }

  async connect(listener: LaneListener): Promise<Socket> {
    const { authority } = await this.lanes.dialAddress(listener);
    const peer = await this.wire.connect(Number(authority.split(':').at(-1)));
    return peer.setNoDelay();
  }

  /** Says the preamble and waits for the answer. */
  async open(listener: LaneListener): Promise<RawLane> {
    const peer = await this.connect(listener);
    const index = listener.lanes.length;
    peer.write(preamble);
    await this.lanes.rig.until('up', () => listener.lanes[index]?.isUp === true);
    const end = listener.lanes[index];
    assert.ok(end !== undefined);
    return { peer, end };
  }

  /** Also claims it, with an empty body that leaves no trace. */
  async openClaimed(listener: LaneListener): Promise<RawLane> {
    const { peer, end } = await this.open(listener);
    peer.write(record(Uint8Array.of(0), new Uint8Array(0)));
    await this.lanes.rig.until('claimed', () => end.landedCount === 1);
    end.landings.length = 0;
    end.landedCount = 0;
    end.targetCount = 0;
    return { peer, end };
  }

  /** Where a raw peer listens, which does to each who dials what `greet` says. */
  async listenRaw(greet: (socket: Socket) => void): Promise<Address> {
    const server = createServer((socket) => {
      socket.on('error', () => undefined).resume();
      greet(socket);
    }).listen(0, '127.0.0.1');
    this.#servers.push(server);
    await once(server, 'listening');
    const bound = server.address();
    assert.ok(typeof bound === 'object' && bound !== null);
    return parseAddress(`tcp://127.0.0.1:${String(bound.port)}/`);
  }

  async dispose(): Promise<void> {
    await this.wire.dispose();
    for (const server of this.#servers) {
      server.close();
      await once(server, 'close');
    }
  }
}

/** A test on a rig of its own, which closes everything at the end and looks for leaks. */
export function hostileToLanes(
  fact: string,
  body: (raw: RawLanes) => Promise<void>,
  runtime: Runtime = createRuntime(),
): void {
  it(fact, async (context) => {
    const wire = new TcpWire();
    const lanes = await LaneRig.create(() => ({
      ...makeTcpHarness(wire, runtime),
      dispose: () => raw.dispose(),
    }));
    context.diagnostic(`IDC_SEED=${String(lanes.rig.seed)}`);
    const raw = new RawLanes(lanes, wire);
    try {
      await body(raw);
    } finally {
      await lanes.dispose();
    }
  });
}
