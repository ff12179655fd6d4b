/**
 * What a transport's author supplies so that the endpoint suite can run over a medium: transports,
 * addresses, and a way to break links. Scenarios know nothing else of the medium.
 *
 * One world serves one run of one scenario and is disposed of after it.
 */
import type { TransportFactory } from '../../../core/contract.js';

export interface EndpointWorld {
  /** Given to every domain of the scenario. */
  readonly transport: TransportFactory;
  /** Where a listener may offer `service`: port 0, or a name that is not in use. May differ. */
  listenAddress(service: string): string;
  /** An address at which nobody listens now, and somebody may later. Each call differs. */
  vacantAddress(service: string): Promise<string>;
  /** Breaks every link at once, as a pulled cable does. Listeners stay. */
  sever(): void;
  /** Releases what the world itself opened. */
  dispose(): Promise<void>;
}

/** Makes one world for one run. */
export type MakeWorld = () => EndpointWorld | Promise<EndpointWorld>;
