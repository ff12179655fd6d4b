/**
 * SessionOwner: decides what a session's events mean. `fail` and `refuse`, which it may call inside
 * them, report the end before they return. Types only.
 */
import type { Greeting } from './greeting.js';
import type { SessionEnd } from './session-end.js';
import type { Session } from './session.js';

export interface SessionOwner {
  sessionUp(session: Session): void;
  /** `Hello` at the accepting side, `Welcome` at the dialling one. */
  sessionGreeted(session: Session, greeting: Greeting): void;
  sessionReady(session: Session): void;
  sessionAccepted(session: Session, epoch: number): void;
  sessionConfirmed(session: Session): void;
  /** The accepting side asks for a channel of the name that follows from `nonce`. */
  sessionSummoned(session: Session, nonce: number): void;
  /** Exactly once; the link may still take its time to close. */
  sessionEnded(session: Session, end: SessionEnd): void;
  /** Exactly once, last: nothing of the link remains. */
  sessionClosed(session: Session): void;
}
