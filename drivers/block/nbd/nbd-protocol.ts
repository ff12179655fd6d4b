/**
 * The numbers of the NBD protocol, as its document (`doc/proto.md` of the nbd project) gives them,
 * under its names without their prefix. All words on the wire are big-endian.
 */

/** Two 32-bit words each: what a server greets with, and what begins an option. */
export const greetingMagic = { high: 0x4e42444d, low: 0x41474943 } as const;
export const optionMagic = { high: 0x49484156, low: 0x454f5054 } as const;
export const optionReplyMagic = { high: 0x0003e889, low: 0x045565a9 } as const;
export const requestMagic = 0x25609513;
export const simpleReplyMagic = 0x67446698;
export const structuredReplyMagic = 0x668e33ef;

/** Magic, flags. */
export const greetingBytes = 18;
export const clientFlagsBytes = 4;
/** Magic, option, length. */
export const optionHeaderBytes = 16;
/** Magic, option, reply, length. */
export const optionReplyBytes = 20;
/** Magic, flags, command, cookie, offset, length. */
export const requestBytes = 28;
/** Magic, error, cookie. */
export const simpleReplyBytes = 16;
/** Magic, flags, type, cookie, length. */
export const chunkBytes = 20;
/** Longest string: a name, a query. */
export const stringBytesMax = 4096;

/** The server's; the client answers with the same two. */
export const HandshakeFlag = { FixedNewstyle: 1, NoZeroes: 2 } as const;

export const Option = {
  ExportName: 1,
  Abort: 2,
  List: 3,
  Info: 6,
  Go: 7,
  StructuredReply: 8,
  ListMetaContext: 9,
  SetMetaContext: 10,
} as const;

export const OptionReply = {
  Ack: 1,
  Server: 2,
  Info: 3,
  MetaContext: 4,
  Unsupported: 0x80000001,
  Invalid: 0x80000003,
  Unknown: 0x80000006,
  TooBig: 0x80000009,
} as const;

export const Info = { Export: 0, Name: 1, Description: 2, BlockSize: 3 } as const;

export const TransmissionFlag = {
  HasFlags: 1,
  ReadOnly: 2,
  SendFlush: 4,
  SendFua: 8,
  SendTrim: 0x20,
  SendWriteZeroes: 0x40,
  SendDontFragment: 0x80,
  CanMultiConnect: 0x100,
} as const;

export const Command = {
  Read: 0,
  Write: 1,
  Disconnect: 2,
  Flush: 3,
  Trim: 4,
  WriteZeroes: 6,
  BlockStatus: 7,
} as const;

export const CommandFlag = {
  Fua: 1,
  NoHole: 2,
  DontFragment: 4,
  RequestOne: 8,
} as const;

export const ChunkType = { None: 0, OffsetData: 1, BlockStatus: 5, Error: 0x8001 } as const;
export const chunkDone = 1;

export const NbdError = {
  None: 0,
  NotPermitted: 1,
  InputOutput: 5,
  Invalid: 22,
  NoSpace: 28,
  ShuttingDown: 108,
} as const;
export type NbdError = (typeof NbdError)[keyof typeof NbdError];

/** The one metadata context, and the number that a session knows it by. */
export const allocationContext = 'base:allocation';
export const allocationContextId = 1;
export const StateFlag = { Hole: 1, Zero: 2 } as const;
