/** Running: a transfer that is under way, and what a scenario does in the middle of it. */
import type { Domain, RemoteBufferReference, TransferOptions } from '../../../core/index.js';
import { Gate } from '../endpoint/gate.js';
import { outcomeOf } from './sides.js';

export type Direction = 'send' | 'receive';
export const directions: readonly Direction[] = ['send', 'receive'];

/** Begins a transfer; answers its outcome in words. */
export function transfer(
  domain: Domain,
  direction: Direction,
  reference: RemoteBufferReference,
  local: Uint8Array,
  options: TransferOptions = {},
): Promise<string> {
  return direction === 'send'
    ? outcomeOf(domain.sendToRemoteBuffer(reference, local, options))
    : outcomeOf(domain.receiveFromRemoteBuffer(reference, local, options));
}

export class Running {
  /** Opens when so many bytes are done that were asked for. */
  readonly reached: Gate = new Gate();
  readonly outcome: Promise<string>;
  isOver = false;

  /** Begins the transfer, and calls `act` once `share` of it, from 0 to 1, is done. */
  constructor(
    domain: Domain,
    direction: Direction,
    reference: RemoteBufferReference,
    local: Uint8Array,
    options: TransferOptions & { readonly share?: number; readonly act?: () => void } = {},
  ) {
    const { share = 0.1, act, ...transferOptions } = options;
    const onProgress = (byteCount: number): void => {
      if (this.reached.isOpen || byteCount < share * local.length) return;
      this.reached.open();
      act?.();
    };
    this.outcome = transfer(domain, direction, reference, local, {
      ...transferOptions,
      onProgress,
    }).then((outcome) => {
      this.isOver = true;
      return outcome;
    });
  }
}

/**
 * Begins transfers that have a time limit, and answers them once all are in the middle. A slow
 * machine may need more of them: what ended before is begun again, with twice the time.
 */
export async function beginLimited(
  begin: (timeoutMs: number) => readonly Running[],
): Promise<readonly Running[]> {
  for (let timeoutMs = 150; ; timeoutMs *= 2) {
    const runnings = begin(timeoutMs);
    await Promise.all(
      runnings.map(({ reached, outcome }) => Promise.race([reached.opened, outcome])),
    );
    if (runnings.every(({ reached, isOver }) => reached.isOpen && !isOver)) return runnings;
    await Promise.all(runnings.map(({ outcome }) => outcome));
  }
}
