/**
 * The life of one transfer at its holder: one table and one pure step.
 *
 *   seeking  has no way to the owner yet, or lost it and makes sure that nothing of it is under way
 *   running  its pieces go over a channel
 *   paused   sends no new piece until it has a fresh lease, or until a full relay had its time
 *   broken   its way died; waits until the pieces in flight have settled
 *   ending   its outcome is decided; waits until the pieces in flight have settled
 *   settled  its promise is settled, and its local bytes are the caller's again
 *
 * While a piece is in flight an operation is never settled and never seeking: that is why nothing
 * late can touch its local bytes, and why an outcome is exact.
 */

export const OperationState = {
  Seeking: 0,
  Running: 1,
  Paused: 2,
  Broken: 3,
  Ending: 4,
  Settled: 5,
} as const;
export type OperationState = (typeof OperationState)[keyof typeof OperationState];

export const OperationEvent = {
  /** There is a way, and nothing of a former one can land any more. */
  Found: 0,
  Pause: 1,
  Resume: 2,
  /** A piece that was sent has to be sent again. */
  Again: 3,
  /** The way died. */
  Lost: 4,
  /** The owner refused it for good, the caller gave it up, its time passed, or the domain ends. */
  GiveUp: 5,
  /** No piece is in flight. */
  Quiet: 6,
  /** All bytes are transferred. */
  Complete: 7,
} as const;
export type OperationEvent = (typeof OperationEvent)[keyof typeof OperationEvent];

/** What the operation does after it has its next state. */
export const OperationAction = {
  None: 0,
  /** Lets its pieces go. */
  Run: 1,
  /** Sends no more pieces for now. */
  Hold: 2,
  /** Cancels the pieces in flight; then it may be quiet. */
  Cancel: 3,
  Seek: 4,
  Settle: 5,
  /** No legal caller causes this. */
  Illegal: 6,
} as const;
export type OperationAction = (typeof OperationAction)[keyof typeof OperationAction];

const eventCount = 8;
const S = OperationState;
const A = OperationAction;

type Row = readonly (readonly [next: OperationState, action: OperationAction])[];

/** Columns in the order of `OperationEvent`: Found, Pause, Resume, Again, Lost, GiveUp, … */
export const operationTable: Readonly<Record<OperationState, Row>> = {
  [S.Seeking]: [
    [S.Running, A.Run],
    [S.Seeking, A.None],
    [S.Seeking, A.None],
    [S.Seeking, A.Illegal],
    [S.Seeking, A.None],
    [S.Settled, A.Settle],
    [S.Seeking, A.None],
    [S.Settled, A.Settle],
  ],
  [S.Running]: [
    [S.Running, A.Illegal],
    [S.Paused, A.Hold],
    [S.Running, A.None],
    [S.Running, A.Run],
    [S.Broken, A.Cancel],
    [S.Ending, A.Cancel],
    [S.Running, A.None],
    [S.Settled, A.Settle],
  ],
  [S.Paused]: [
    [S.Paused, A.Illegal],
    [S.Paused, A.Hold],
    [S.Running, A.Run],
    [S.Paused, A.None],
    [S.Broken, A.Cancel],
    [S.Ending, A.Cancel],
    [S.Paused, A.None],
    [S.Paused, A.Illegal],
  ],
  [S.Broken]: [
    [S.Broken, A.Illegal],
    [S.Broken, A.None],
    [S.Broken, A.None],
    [S.Broken, A.None],
    [S.Broken, A.None],
    [S.Ending, A.None],
    [S.Seeking, A.Seek],
    [S.Settled, A.Settle],
  ],
  [S.Ending]: [
    [S.Ending, A.Illegal],
    [S.Ending, A.None],
    [S.Ending, A.None],
    [S.Ending, A.None],
    [S.Ending, A.None],
    [S.Ending, A.None],
    [S.Settled, A.Settle],
    [S.Settled, A.Settle],
  ],
  [S.Settled]: [
    [S.Settled, A.Illegal],
    [S.Settled, A.None],
    [S.Settled, A.None],
    [S.Settled, A.None],
    [S.Settled, A.None],
    [S.Settled, A.None],
    [S.Settled, A.None],
    [S.Settled, A.None],
  ],
};

/** The table flattened for the hot path: next state in the low 4 bits, action above. */
const flat = new Uint8Array(
  Object.values(operationTable).flatMap((row) => row.map(([next, action]) => next | (action << 4))),
);

/** HOT: next state and action, packed; take them apart with the two functions below. */
export function stepOperation(state: number, event: OperationEvent): number {
  return flat[state * eventCount + event] ?? 0;
}

export function stateOf(packed: number): number {
  return packed & 0x0f;
}

export function actionOf(packed: number): number {
  return packed >> 4;
}
