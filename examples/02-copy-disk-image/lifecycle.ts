/** An endpoint's lifecycle in words: one line an event. */
import type { DisconnectEvent, LifecycleEvent } from 'idc';

export function describeLifecycle(event: LifecycleEvent): string {
  switch (event.type) {
    case 'appear':
      return 'appear';
    case 'connect':
      return `connect, epoch ${event.epoch}`;
    case 'disconnect':
      return `disconnect, epoch ${event.epoch}: ${event.reason}; ${describeCounts(event)}`;
    case 'disappear':
      return 'disappear';
    case 'attempt':
      return `attempt failed: ${event.fault}; the next in ${Math.round(event.nextInMs)} ms`;
    case 'destroyed':
      return 'destroyed';
  }
}

/** What the event proves about the requests of the epoch. */
function describeCounts({ submittedThrough, handledThrough, neverFrom }: DisconnectEvent): string {
  const known = `${handledThrough} known to be handled, none from ${neverFrom} on`;
  return `${submittedThrough} requests submitted, ${known}`;
}
