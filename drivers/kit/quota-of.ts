/** The quota of a driver's endpoints: what the largest items of its protocol need. */
import type { Quota } from 'idc';
import { greetingBytesMax, noticeBytesMax, replyBytesMax } from './greeting.js';
import type { Layout } from './layout.js';
import type { AnyProtocol } from './protocol.js';

/** How many items may be outstanding; see `Quota`. */
export interface ItemCounts {
  readonly transactions?: number;
  readonly messages?: number;
}

const transactionsDefault = 64;
const messagesDefault = 256;
/** Memory that the default counts may take, in bytes; large items are fewer at a time. */
const memoryDefault = 16 * 1024 * 1024;
const countMin = 4;

export function quotaOf(protocol: AnyProtocol, counts: ItemCounts = {}): Quota {
  const layouts: Layout[] = [];
  for (let version = protocol.oldest; version <= protocol.version; version++) {
    layouts.push(protocol.layoutAt(version));
  }
  const parameterBytes = most(greetingBytesMax, ...layouts.map((it) => it.parameterBytesMax));
  const statusBytes = most(replyBytesMax, ...layouts.map((it) => it.statusBytesMax));
  const messageBytes = most(noticeBytesMax, ...layouts.map((it) => it.messageBytesMax));
  const fitting = (byteLength: number): number =>
    Math.max(countMin, Math.floor(memoryDefault / byteLength));
  const {
    transactions = Math.min(transactionsDefault, fitting(parameterBytes + statusBytes)),
    messages = Math.min(messagesDefault, fitting(messageBytes)),
  } = counts;
  return { transactions, messages, parameterBytes, statusBytes, messageBytes };
}

function most(...numbers: readonly number[]): number {
  return Math.max(...numbers);
}
