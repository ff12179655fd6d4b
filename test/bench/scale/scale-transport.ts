/** What the endpoints of a scale case run over: the transport of each side, and where they meet. */
import type { TransportFactory } from 'idc';
import { ring } from 'idc/ring';
import { tcp } from 'idc/tcp';

import type { ScaleJob } from './scale-job.js';

/** Of each side of each endpoint, and resident: small, so that a thousand of them stay so. */
const ringBytes = 16 * 1024;

export function scaleTransport({ transport }: ScaleJob): TransportFactory {
  return transport === 'tcp' ? tcp() : ring({ ringBytes });
}

/** To be listened at by this process. */
export function scaleAddress({ transport }: ScaleJob): string {
  return transport === 'tcp' ? 'tcp://127.0.0.1:0/scale' : `ring://idc-bench-${process.pid}/scale`;
}

/** For the note of a case; empty if there is nothing to know. */
export function describeScaleTransport({ transport }: ScaleJob): string {
  return transport === 'tcp' ? '' : `, rings of ${ringBytes / 1024} KiB`;
}
