/** Started: a transaction in the hot form, and how often and how it settled. */
import type { Completion } from '../../../core/index.js';
import { describeBytes } from './content.js';
import { Gate } from './gate.js';

export class Started {
  ticket = -1;
  settledCount = 0;
  /** Set when it settled: `OK done, 5 bytes …`, `REMOTE 7 done, …`, `DISCONNECTED never`. */
  outcome = '';
  /** Opens with the outcome. */
  readonly settled: Gate<string> = new Gate<string>();
  onSettled: (outcome: string) => void = () => undefined;
}

export const settleStarted: Completion<Started> = (
  started,
  code,
  execution,
  bytes,
  offset,
  byteLength,
  remoteCode,
) => {
  const status = bytes.subarray(offset, offset + byteLength);
  const remote = code === 'REMOTE' ? ` ${remoteCode}` : '';
  const said = code === 'REMOTE' || code === 'OK' ? `, ${describeBytes(status)}` : '';
  started.settledCount++;
  started.outcome = `${code}${remote} ${execution}${said}`;
  started.settled.open(started.outcome);
  started.onSettled(started.outcome);
};
