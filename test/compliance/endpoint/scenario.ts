/** A scenario: one story of endpoints, written once, told over every medium. */
import type { Stage } from './stage.js';

export interface Scenario {
  /** A fact, and the name of its test. */
  readonly fact: string;
  /** Ends at rest, so that the transcript does not depend on time. */
  readonly play: (stage: Stage) => Promise<void>;
  /** The whole transcript, where its lines are the point; else it is only compared. */
  readonly told?: readonly string[];
}
