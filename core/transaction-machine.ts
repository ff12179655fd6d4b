/**
 * The life of an initiator's transaction slot: one table and one pure step.
 *
 * It is 9P's flush rule: a cancelled transaction is flushed; a reply that was there first stands;
 * otherwise the peer's answer says whether its handler had started. The slot stays taken until
 * the peer has let go of the transaction, whatever the initiator was told before, so that neither
 * a credit nor a buffer is used twice.
 *
 *   pending     submitted, not settled
 *   cancelling  a flush is under way, not settled
 *   answered    settled by a reply that overtook the flush's answer
 *   abandoned   settled because flushMs passed; the flush is still unanswered
 *   releasing   settled by the flush; the peer's handler has not completed yet
 */

/** States and events are small integers: the table is read for every transaction. */
export const SlotState = {
  Free: 0,
  Pending: 1,
  Cancelling: 2,
  Answered: 3,
  Abandoned: 4,
  Releasing: 5,
} as const;
export type SlotState = (typeof SlotState)[keyof typeof SlotState];

export const SlotEvent = {
  Reply: 0,
  Cancel: 1,
  FlushedNever: 2,
  FlushedStarted: 3,
  FlushedAnswered: 4,
  FlushTimeout: 5,
  Released: 6,
  Ended: 7,
} as const;
export type SlotEvent = (typeof SlotEvent)[keyof typeof SlotEvent];

/** What the initiator does after the slot has its next state. */
export const SlotAction = {
  None: 0,
  /** Settle with the reply. */
  SettleReply: 1,
  /** Ask the peer to flush. */
  SendFlush: 2,
  /** Settle with the cancel's code: never executed. */
  SettleNever: 3,
  /** Settle with the cancel's code: perhaps executed. */
  SettleMaybe: 4,
  /** Settle by the evidence at the end of the epoch. */
  SettleEnded: 5,
  /** A late reply: dropped and counted. */
  Drop: 6,
  /** No legal peer sends this. */
  Corrupt: 7,
} as const;
export type SlotAction = (typeof SlotAction)[keyof typeof SlotAction];

const eventCount = 8;
const S = SlotState;
const A = SlotAction;

type Row = readonly (readonly [next: SlotState, action: SlotAction])[];

/** Columns in the order of `SlotEvent`: Reply, Cancel, FlushedNever, FlushedStarted, … */
export const slotTable: Readonly<Record<SlotState, Row>> = {
  [S.Free]: [
    [S.Free, A.Corrupt],
    [S.Free, A.None],
    [S.Free, A.Corrupt],
    [S.Free, A.Corrupt],
    [S.Free, A.Corrupt],
    [S.Free, A.None],
    [S.Free, A.Corrupt],
    [S.Free, A.None],
  ],
  [S.Pending]: [
    [S.Free, A.SettleReply],
    [S.Cancelling, A.SendFlush],
    [S.Pending, A.Corrupt],
    [S.Pending, A.Corrupt],
    [S.Pending, A.Corrupt],
    [S.Pending, A.None],
    [S.Pending, A.Corrupt],
    [S.Free, A.SettleEnded],
  ],
  [S.Cancelling]: [
    [S.Answered, A.SettleReply],
    [S.Cancelling, A.None],
    [S.Free, A.SettleNever],
    [S.Releasing, A.SettleMaybe],
    [S.Cancelling, A.Corrupt],
    [S.Abandoned, A.SettleMaybe],
    [S.Cancelling, A.Corrupt],
    [S.Free, A.SettleEnded],
  ],
  [S.Answered]: [
    [S.Answered, A.Corrupt],
    [S.Answered, A.None],
    [S.Answered, A.Corrupt],
    [S.Answered, A.Corrupt],
    [S.Free, A.None],
    [S.Answered, A.None],
    [S.Answered, A.Corrupt],
    [S.Free, A.None],
  ],
  [S.Abandoned]: [
    [S.Answered, A.Drop],
    [S.Abandoned, A.None],
    [S.Free, A.None],
    [S.Releasing, A.None],
    [S.Abandoned, A.Corrupt],
    [S.Abandoned, A.None],
    [S.Abandoned, A.Corrupt],
    [S.Free, A.None],
  ],
  [S.Releasing]: [
    [S.Releasing, A.Corrupt],
    [S.Releasing, A.None],
    [S.Releasing, A.Corrupt],
    [S.Releasing, A.Corrupt],
    [S.Releasing, A.Corrupt],
    [S.Releasing, A.None],
    [S.Free, A.None],
    [S.Free, A.None],
  ],
};

/** The table flattened for the hot path: next state in the low 4 bits, action above. */
const flat = new Uint8Array(
  Object.values(slotTable).flatMap((row) => row.map(([next, action]) => next | (action << 4))),
);

/** HOT: next state and action of a slot, packed; take them apart with the two functions below. */
export function stepSlot(state: number, event: SlotEvent): number {
  return flat[state * eventCount + event] ?? 0;
}

export function nextOf(packed: number): number {
  return packed & 0x0f;
}

export function actionOf(packed: number): number {
  return packed >> 4;
}
