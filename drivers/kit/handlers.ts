/** Handlers of a back end: whether all are there, and which features follow from them. */
import { IdcAssertionError } from 'idc';
import type { AnyHandlers } from './attached-front-end.js';
import type { AnyProtocol } from './protocol.js';

/** Throws `IdcAssertionError` BAD_ARGUMENT unless whatever needs no feature has a handler. */
export function checkHandlers(protocol: AnyProtocol, handlers: AnyHandlers): void {
  const needed = [
    ...protocol.transactions.filter(({ feature }) => feature === undefined),
    ...protocol.messages.filter(({ to }) => to === 'back'),
  ];
  for (const { name } of needed) {
    if (typeof handlers[name] === 'function') continue;
    throw new IdcAssertionError('BAD_ARGUMENT', `${protocol.name}: ${name} has no handler`);
  }
}

/** Those for which every handler is there. */
export function listFeatures(protocol: AnyProtocol, handlers: AnyHandlers): string[] {
  return protocol.features.filter((feature) =>
    protocol.transactions.every(
      (item) => item.feature !== feature || typeof handlers[item.name] === 'function',
    ),
  );
}
