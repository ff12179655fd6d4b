/** Pieces: one long operation as several short ones, a few of them at a time. */

/** Does one piece: `at` bytes from the beginning, `byteLength` bytes long. */
export type DoPiece = (at: number, byteLength: number) => Promise<void>;

/**
 * Cuts `byteLength` bytes into pieces of at most `pieceBytes`, `lanes` at a time. After a failure
 * no piece is begun. Settles when none is under way; rejects with the first failure.
 */
export async function inPieces(
  byteLength: number,
  pieceBytes: number,
  lanes: number,
  doPiece: DoPiece,
): Promise<void> {
  let next = 0;
  async function runLane(): Promise<void> {
    while (next < byteLength) {
      const at = next;
      next = Math.min(byteLength, at + pieceBytes);
      try {
        await doPiece(at, next - at);
      } catch (error) {
        next = byteLength;
        throw error;
      }
    }
  }
  const laneCount = Math.min(lanes, Math.ceil(byteLength / pieceBytes));
  const outcomes = await Promise.allSettled(Array.from({ length: laneCount }, runLane));
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') throw outcome.reason;
  }
}
