/**
 * Quota: the fixed limits of one endpoint, chosen at creation and exchanged in the handshake.
 *
 * All memory of an endpoint follows from its quota and is allocated when it is created, so that
 * nothing later can fail for want of it. The smaller of both ends' values holds for an epoch.
 */
import { assert } from './assert.js';

/** Limits of one direction: what this side may have outstanding, and what it grants to the peer. */
export interface Quota {
  /** Messages received and not yet completed. 1 to 65,536; default 256. */
  readonly messages: number;
  /** Bytes of one message body. 0 to 64 MiB; default 4,096. */
  readonly messageBytes: number;
  /** Transactions outstanding. 1 to 65,536; default 64. */
  readonly transactions: number;
  /** Bytes of one transaction's parameters. 0 to 64 MiB; default 4,096. */
  readonly parameterBytes: number;
  /** Bytes of one transaction's status. 0 to 64 MiB; default 4,096. */
  readonly statusBytes: number;
}

export const quotaDefault: Quota = Object.freeze({
  messages: 256,
  messageBytes: 4096,
  transactions: 64,
  parameterBytes: 4096,
  statusBytes: 4096,
});

/** Largest count of slots; a slot's index has to fit the 16 bits that a ticket gives it. */
export const slotsMax = 65_536;
/** Largest number of bytes in one item. */
export const itemBytesMax: number = 64 * 1024 * 1024;
/** Largest memory of one endpoint, in bytes: a slip of the pen must not take the host. */
export const endpointBytesMax: number = 1024 * 1024 * 1024;

/** Fills in defaults and checks; a value outside its range is the caller's error. */
export function makeQuota(...choices: readonly (Partial<Quota> | undefined)[]): Quota {
  const merged = { ...quotaDefault };
  for (const choice of choices) Object.assign(merged, choice);
  checkRange('messages', merged.messages, 1, slotsMax);
  checkRange('messageBytes', merged.messageBytes, 0, itemBytesMax);
  checkRange('transactions', merged.transactions, 1, slotsMax);
  checkRange('parameterBytes', merged.parameterBytes, 0, itemBytesMax);
  checkRange('statusBytes', merged.statusBytes, 0, itemBytesMax);
  assert(
    quotaByteLength(merged) <= endpointBytesMax,
    `a quota may take at most ${endpointBytesMax} bytes`,
    'BAD_ARGUMENT',
  );
  return Object.freeze(merged);
}

/** The memory that an endpoint with this quota allocates, without its constant part. */
export function quotaByteLength(quota: Quota): number {
  return (
    quota.messages * quota.messageBytes +
    quota.transactions * (quota.parameterBytes + quota.statusBytes)
  );
}

/** True if a peer's quota could come from a legal peer. */
export function isLegalQuota(quota: Quota): boolean {
  return (
    isWithin(quota.messages, 1, slotsMax) &&
    isWithin(quota.transactions, 1, slotsMax) &&
    isWithin(quota.messageBytes, 0, itemBytesMax) &&
    isWithin(quota.parameterBytes, 0, itemBytesMax) &&
    isWithin(quota.statusBytes, 0, itemBytesMax)
  );
}

/** What holds for an epoch: the smaller value of both ends, item by item. */
export function agreeQuota(local: Quota, peer: Quota): Quota {
  return Object.freeze({
    messages: Math.min(local.messages, peer.messages),
    messageBytes: Math.min(local.messageBytes, peer.messageBytes),
    transactions: Math.min(local.transactions, peer.transactions),
    parameterBytes: Math.min(local.parameterBytes, peer.parameterBytes),
    statusBytes: Math.min(local.statusBytes, peer.statusBytes),
  });
}

function checkRange(name: string, value: number, least: number, most: number): void {
  assert(
    isWithin(value, least, most),
    `quota.${name} must be a whole number from ${least} to ${most}`,
    'BAD_ARGUMENT',
  );
}

function isWithin(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}
