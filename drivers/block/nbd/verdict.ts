/** What is refused to a client before the device hears of it, and how a device's refusal reads. */
import { unreachable } from 'idc/contract';
import type { BlockDevice } from '../block-device.js';
import { BlockErrorCode } from '../block-error.js';
import { checkRange } from '../block-range.js';
import type { Agreement } from './agreement.js';
import { Command, CommandFlag, NbdError } from './nbd-protocol.js';
import type { NbdRequest } from './request.js';

/** `None` if the device is to be asked. */
// HOT:
export function judge(
  request: NbdRequest,
  agreement: Agreement,
  payloadBytesMax: number,
): NbdError {
  const { command, byteLength } = request;
  const { device } = agreement;
  if ((request.flags & ~flagsOf(command, agreement.isStructured)) !== 0) return NbdError.Invalid;
  switch (command) {
    case Command.Read:
      if (byteLength > payloadBytesMax) return NbdError.Invalid;
      return judgeRange(request, device);
    case Command.Write:
      if (device.isReadOnly) return NbdError.NotPermitted;
      if (byteLength > payloadBytesMax) return NbdError.Invalid;
      return judgeRange(request, device);
    case Command.Trim:
    case Command.WriteZeroes:
      return device.isReadOnly ? NbdError.NotPermitted : judgeRange(request, device);
    case Command.BlockStatus:
      if (!agreement.hasAllocation || byteLength === 0) return NbdError.Invalid;
      return judgeRange(request, device);
    case Command.Flush:
      return request.offset === 0 && byteLength === 0 ? NbdError.None : NbdError.Invalid;
    default:
      return NbdError.Invalid;
  }
}

/** The memory that a request of this kind takes. */
// HOT:
export function heldBytesOf(command: number, byteLength: number, payloadBytesMax: number): number {
  const hasData = command === Command.Read || command === Command.Write;
  return hasData && byteLength <= payloadBytesMax ? byteLength : 0;
}

/** What a client is told of the device's refusal. */
export function errorOf(code: BlockErrorCode, command: number): NbdError {
  switch (code) {
    case BlockErrorCode.OutOfRange:
      return isStoring(command) ? NbdError.NoSpace : NbdError.Invalid;
    case BlockErrorCode.Misaligned:
      return NbdError.Invalid;
    case BlockErrorCode.ReadOnly:
      return NbdError.NotPermitted;
    case BlockErrorCode.NoSpace:
      return NbdError.NoSpace;
    case BlockErrorCode.Failed:
      return NbdError.InputOutput;
    case BlockErrorCode.Closed:
      return NbdError.ShuttingDown;
    default:
      return unreachable(code);
  }
}

// HOT:
function judgeRange(request: NbdRequest, device: BlockDevice): NbdError {
  const code = checkRange(device, request.offset, request.byteLength);
  return code === undefined ? NbdError.None : errorOf(code, request.command);
}

/** Clients set `Fua` on what does not write, too; it means nothing there. */
// HOT:
function flagsOf(command: number, isStructured: boolean): number {
  switch (command) {
    case Command.Read:
      return isStructured ? CommandFlag.Fua | CommandFlag.DontFragment : CommandFlag.Fua;
    case Command.WriteZeroes:
      return CommandFlag.Fua | CommandFlag.NoHole;
    case Command.BlockStatus:
      return CommandFlag.Fua | CommandFlag.RequestOne;
    default:
      return CommandFlag.Fua;
  }
}

function isStoring(command: number): boolean {
  return command === Command.Write || command === Command.WriteZeroes;
}
