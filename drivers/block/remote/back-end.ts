/**
 * The back end of a remote block device: serves any block device to any number of front ends.
 *
 * It keeps a table of what it did for each of them. With a journal that outlives it, a back end
 * that was killed and started again does nothing twice, and does again what it had begun before
 * anything newer, so that no front end sees an error and no write is lost or undone.
 */
import type { Domain } from 'idc';
import { createBackEnd, type BackEnd, type BackEndOptions, type Journal } from 'idc/drivers/kit';
import type { BlockDevice } from '../block-device.js';
import { sliceDevice } from '../slice-device.js';
import { makeDiskHandlers } from './disk-handlers.js';
import { blockProtocol, type BlockSchema } from './protocol.js';

export interface ServeDeviceOptions extends Pick<
  BackEndOptions,
  'counts' | 'listen' | 'refuse' | 'runtime'
> {
  /** True: front ends can change nothing. */
  readonly isReadOnly?: boolean;
  /**
   * Makes what is known of the writes of front ends outlive a restart; it belongs to the device, as
   * a file beside it, and to one back end at a time. Default: in memory.
   */
  readonly journal?: Journal;
  /** How long a restarted back end waits for front ends with writes in doubt. Default 10,000 ms. */
  readonly graceMs?: number;
  /**
   * Names what the device holds, in at most 64 bytes: a front end that finds another name after a
   * reconnect fails all its operations instead of reading what it never wrote. For devices that a
   * restart empties. Default: an empty name, of one that keeps what it holds.
   */
  readonly contents?: string;
}

/** A device that is being served. */
export interface BlockBackEnd {
  /** Resolves with the address once it listens; rejects with why it cannot. */
  readonly ready: Promise<string>;
  /** Front ends that are connected. */
  readonly frontEndCount: number;
  /** Gives the front ends up; resolves when nothing uses the device. That stays open. */
  close(): Promise<void>;
}

/** Serves `device`, which stays its caller's, at `address`. Others may use it at the same time. */
export function serveDevice(
  domain: Domain,
  address: string,
  device: BlockDevice,
  options: ServeDeviceOptions = {},
): BlockBackEnd {
  const { isReadOnly = false, journal, graceMs, contents = '', ...rest } = options;
  const served = sliceDevice(device, { isReadOnly });
  const recovery = {
    kind: 'table',
    ...(journal && { journal }),
    ...(graceMs !== undefined && { graceMs }),
  } as const;
  const backEnd: BackEnd<BlockSchema> = createBackEnd(
    domain,
    address,
    blockProtocol,
    () => makeDiskHandlers(domain, served, contents),
    { ...rest, recovery },
  );
  served.resize$.subscribe((byteLength) => {
    // Who has a full queue of these asks again often enough.
    backEnd.resized({ byteLength }).catch(() => undefined);
  });
  return {
    ready: backEnd.ready,
    get frontEndCount() {
      return backEnd.frontEnds.length;
    },
    close: async () => {
      await backEnd.close();
      await served.close();
    },
  };
}
