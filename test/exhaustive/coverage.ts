/** Coverage: how often an exploration met the cases that it exists for. */
export interface Coverage {
  /** Epochs that the dialler saw open and the listener never did. */
  halfEpochs: number;
  /** Both domains were dead at one time. */
  bothCrashed: number;
  /** A restarted dialler was met by an end that had not noticed the loss of the former one. */
  restartsUnnoticed: number;
  /** A new link's greeting was taken while this end's drain of an older epoch was held. */
  reconnectsWhileDraining: number;
  /** Frames of a link that were delivered when a later link was there. */
  lateFrames: number;
  /** Frames that were lost, or met a closed end, when a later link was there. */
  lateFramesDiscarded: number;
  /** Epochs that opened, counted at each end. */
  connects: number;
  /** Epochs after the first of an endpoint. */
  reconnects: number;
  /** Epochs that ended because nothing was heard. */
  silences: number;
  disappearances: number;
  never: number;
  maybe: number;
  done: number;
}

export function noCoverage(): Coverage {
  return {
    halfEpochs: 0,
    bothCrashed: 0,
    restartsUnnoticed: 0,
    reconnectsWhileDraining: 0,
    lateFrames: 0,
    lateFramesDiscarded: 0,
    connects: 0,
    reconnects: 0,
    silences: 0,
    disappearances: 0,
    never: 0,
    maybe: 0,
    done: 0,
  };
}

export function addCoverage(sum: Coverage, part: Coverage): void {
  for (const [name, count] of Object.entries(part)) {
    // reason: both have the same names
    sum[name as keyof Coverage] += count as number;
  }
}
