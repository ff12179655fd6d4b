/** What the driver test kit has to know of a driver. */
import type { Domain, Runtime } from 'idc';
import type { BackEndControl, FrontEndControl, Protocol } from '../index.js';

/** Where a back end is to be started. */
export interface BackSite<Medium> {
  readonly domain: Domain;
  readonly address: string;
  /** What outlives it. */
  readonly medium: Medium;
  /** Hand it to `createBackEnd`; use it for whatever takes time. */
  readonly runtime: Runtime;
}

/** Where a front end is to be started. */
export interface FrontSite {
  readonly domain: Domain;
  readonly address: string;
  /** Hand it to `createFrontEnd`. */
  readonly runtime: Runtime;
}

/** What one piece of work may go by. */
export interface WorkSite<Medium> {
  readonly medium: Medium;
  /** A number in [0, 1), from the seed of the run. */
  readonly fraction: () => number;
  /** Tells front ends apart; one that was started again keeps its number. */
  readonly frontEnd: number;
  /** Counts the pieces of work of this front end from 0. */
  readonly step: number;
  /** Resolves after so long, by the clock of the run. */
  readonly pause: (delayMs: number) => Promise<void>;
}

export interface DriverUnderTest<D, Front extends FrontEndControl, Medium> {
  readonly name: string;
  readonly protocol: Protocol<D>;
  /**
   * Makes what outlives every back end of one run: the disk, the journal, what is known of both.
   */
  readonly makeMedium: () => Medium;
  readonly startBackEnd: (site: BackSite<Medium>) => Pick<BackEndControl<D>, 'ready'>;
  readonly startFrontEnd: (site: FrontSite) => Front;
  /**
   * One piece of work. Called again once it has settled. It rejects if the driver failed its user;
   * a driver that recovers fails nobody. In a crash of its front end it never settles.
   */
  readonly work: (frontEnd: Front, site: WorkSite<Medium>) => Promise<void>;
  /** Throws unless the medium is as all that was done demands. Called when everything is quiet. */
  readonly check?: (medium: Medium) => void;
  /** What holds at any time; asked after every step of the simulation. */
  readonly invariant?: (medium: Medium) => void;
  /** Default 2. */
  readonly frontEnds?: number;
  /** Pieces of work of each front end in one run. Default 200. */
  readonly steps?: number;
  /** Seeds of the simulation. Default 5. */
  readonly seeds?: number;
  /** Items of the fuzzer. Default 500. */
  readonly fuzzRounds?: number;
}
