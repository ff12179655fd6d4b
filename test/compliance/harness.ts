/**
 * What a transport's author supplies so that the compliance suite can drive a medium.
 *
 * The suite owns everything that is the same for every medium: hosts that poll, sinks that record,
 * pairs of connected links, monitors, leak checks and time limits. A harness says only what its
 * medium alone can know: how to make it, where to listen, how to break it. One harness serves one
 * test and is disposed of after it. There are no skips: what a medium lacks is a fact here, and
 * the suite then asserts the other behaviour.
 */
import type { Address, Runtime, TransportFactory } from '../../core/contract.js';

export interface TransportHarness {
  /** Lent to every host of the test; `createRuntime()` unless time is simulated. */
  readonly runtime: Runtime;
  /** Makes the transports of the domains that listen. Called once per domain. */
  readonly listener: TransportFactory;
  /** Makes the transports of the domains that dial; often the same object as `listener`. */
  readonly dialler: TransportFactory;
  /** Access to the medium below the transport, or undefined if the medium has no raw bytes. */
  readonly raw: RawMedium | undefined;

  /** Where a listener may listen: port 0, or a name that is not in use. Each call may differ. */
  listenAddress(): Address;
  /** Where to dial a listener that said `listening(address)`: itself, or a relay before it. */
  dialAddress(listening: Address): Promise<Address>;
  /** Where to dial so that nobody answers. */
  absentAddress(): Promise<Address>;

  /**
   * Lets the medium move: time passes and the event loop turns. The suite calls it again and again
   * until a fact holds, or until nothing new was told during several calls; so it must be short,
   * and long enough that whatever is in flight makes some progress in each call.
   */
  settle(): Promise<void>;
  /** Breaks every link of the medium at once, as a pulled cable or a killed peer does. */
  sever(): void;
  /** Releases what the harness itself opened: relays, raw peers, workers. */
  dispose(): Promise<void>;
}

/** Makes one harness for one test. */
export type MakeHarness = () => TransportHarness | Promise<TransportHarness>;

/** A medium that carries raw bytes, so that a hostile peer can send what no transport would. */
export interface RawMedium {
  /** Each is a peer's whole output that no legal peer sends; each must give `linkDown(Corrupt)`. */
  readonly illegal: readonly Uint8Array[];
  /** Reaches a listener without a transport, and says whatever a legal peer must say first. */
  dial(listening: Address): Promise<RawPeer>;
}

/** A peer without a transport. Never throws, whatever the other end does to it. */
export interface RawPeer {
  write(bytes: Uint8Array): void;
  /** Ends the output in an orderly way. */
  end(): void;
}

/** Turns the event loop `count` times: a `settle` for media that live in one process. */
export async function turnEventLoop(count = 4): Promise<void> {
  for (let turn = 0; turn < count; turn++) {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
  }
}
