/** What an endpoint's core is made for, and what differs between its two kinds. Types only. */
import type { TimeLimits } from './api.js';
import type { Quota } from './quota.js';

/** What differs between the dialling end and an accepted one. */
export interface EndpointRole {
  /** Plans the next attempt, at the slow end if `isSlow`; answers its delay. Accepted: never. */
  retry(isSlow: boolean): number | undefined;
  /** An epoch is open. */
  connected(): void;
  /** The endpoint is absent, after it had been there. */
  becameAbsent(isFinal: boolean): void;
  /** It was found again. */
  becamePresent(): void;
  /** Its destruction has begun; it takes no new link. */
  leaving(): void;
  /** It is destroyed: nothing of it remains. */
  ended(): void;
}

export interface EndpointSettings {
  readonly name: string;
  readonly service: string;
  readonly scheme: string;
  readonly frameBytesMax: number;
  readonly quota: Quota;
  readonly limits: TimeLimits;
}
