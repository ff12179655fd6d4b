/**
 * Handshake: the first phase of a connection, fixed newstyle. Answers the client's options one by
 * one until the client has chosen an export, wants to go, or sends what no legal client sends.
 *
 * The reply to an option leaves before the next option is looked at, so whoever asks and does not
 * read the answers takes no more than one of them.
 */
import type { BlockDevice } from '../block-device.js';
import { Want, type Agreement, type NbdExport } from './agreement.js';
import { messageBytesMax, type Input } from './input.js';
import {
  allocationContext,
  allocationContextId,
  clientFlagsBytes,
  greetingBytes,
  greetingMagic,
  HandshakeFlag,
  Info,
  Option,
  optionHeaderBytes,
  optionMagic,
  OptionReply,
  optionReplyBytes,
  optionReplyMagic,
  stringBytesMax,
  TransmissionFlag,
} from './nbd-protocol.js';
import { readContextQuestion, readExportQuestion } from './option-reader.js';
import type { Output } from './output.js';

/** Longer data of an option is passed over and the option refused. */
const optionBytesMax = messageBytesMax - optionHeaderBytes;
const preferredBlockBytes = 4096;
/** Of `ExportName`'s reply, unless the client does without. */
const reservedZeroes = 124;
const serverFlags = HandshakeFlag.FixedNewstyle | HandshakeFlag.NoZeroes;

export class Handshake {
  readonly #exports: readonly NbdExport[];
  readonly #payloadBytesMax: number;
  readonly #output: Output;
  #hasFlags = false;
  #hasNoZeroes = false;
  #isStructured = false;
  /** The export whose allocation context was chosen last. */
  #contextExport: NbdExport | undefined = undefined;
  #skipBytes = 0;
  #agreement: Agreement | undefined = undefined;

  /** `exports` has one at least; the first is the default. */
  constructor(exports: readonly NbdExport[], payloadBytesMax: number, output: Output) {
    this.#exports = exports;
    this.#payloadBytesMax = payloadBytesMax;
    this.#output = output;
  }

  /** Set when the transmission phase has begun. */
  get agreement(): Agreement | undefined {
    return this.#agreement;
  }

  greet(): void {
    const greeting = Buffer.alloc(greetingBytes);
    greeting.writeUInt32BE(greetingMagic.high, 0);
    greeting.writeUInt32BE(greetingMagic.low, 4);
    greeting.writeUInt32BE(optionMagic.high, 8);
    greeting.writeUInt32BE(optionMagic.low, 12);
    greeting.writeUInt16BE(serverFlags, 16);
    this.#output.copy(greeting);
  }

  pump(input: Input): Want {
    if (!this.#hasFlags) {
      if (input.byteLength < clientFlagsBytes) return Want.Input;
      const flags = input.view.getUint32(input.start);
      input.use(clientFlagsBytes);
      if ((flags & ~serverFlags) !== 0) return Want.End;
      this.#hasFlags = true;
      this.#hasNoZeroes = (flags & HandshakeFlag.NoZeroes) !== 0;
    }
    return this.#output.isEmpty ? this.#takeOption(input) : Want.Room;
  }

  #takeOption(input: Input): Want {
    if (this.#skipBytes > 0) {
      const byteLength = Math.min(this.#skipBytes, input.byteLength);
      input.use(byteLength);
      this.#skipBytes -= byteLength;
    }
    if (this.#skipBytes > 0 || input.byteLength < optionHeaderBytes) return Want.Input;
    const { start, view } = input;
    const isMagic =
      view.getUint32(start) === optionMagic.high && view.getUint32(start + 4) === optionMagic.low;
    if (!isMagic) return Want.End;
    const option = view.getUint32(start + 8);
    const byteLength = view.getUint32(start + 12);
    if (byteLength > optionBytesMax) {
      if (option === Option.ExportName) return Want.End;
      input.use(optionHeaderBytes);
      this.#skipBytes = byteLength;
      this.#reply(option, OptionReply.TooBig);
      return Want.Room;
    }
    if (input.byteLength < optionHeaderBytes + byteLength) return Want.Input;
    const dataStart = start + optionHeaderBytes;
    const data = input.bytes.subarray(dataStart, dataStart + byteLength);
    input.use(optionHeaderBytes + byteLength);
    return this.#answer(option, data);
  }

  /** `data` is valid during the call. */
  #answer(option: number, data: Buffer): Want {
    switch (option) {
      case Option.ExportName:
        return this.#enter(data);
      case Option.Abort:
        this.#reply(option, OptionReply.Ack);
        return Want.Nothing;
      case Option.List:
        if (data.byteLength > 0) this.#reply(option, OptionReply.Invalid);
        else this.#list();
        return Want.Room;
      case Option.StructuredReply:
        this.#isStructured ||= data.byteLength === 0;
        this.#reply(option, data.byteLength === 0 ? OptionReply.Ack : OptionReply.Invalid);
        return Want.Room;
      case Option.Info:
      case Option.Go:
        this.#inform(option, data);
        return Want.Room;
      case Option.ListMetaContext:
      case Option.SetMetaContext:
        this.#chooseContext(option, data);
        return Want.Room;
      default:
        this.#reply(option, OptionReply.Unsupported);
        return Want.Room;
    }
  }

  /** `ExportName` knows no refusal but the end of the connection. */
  #enter(data: Buffer): Want {
    const isName = data.byteLength <= stringBytesMax;
    const chosen = isName ? this.#find(data.toString('utf8')) : undefined;
    if (chosen === undefined) return Want.End;
    const reply = Buffer.alloc(10 + (this.#hasNoZeroes ? 0 : reservedZeroes));
    reply.writeBigUInt64BE(BigInt(chosen.device.byteLength), 0);
    reply.writeUInt16BE(this.#flagsOf(chosen.device), 8);
    this.#output.copy(reply);
    this.#agree(chosen);
    return Want.Room;
  }

  #list(): void {
    for (const { name = '' } of this.#exports) {
      const text = Buffer.from(name);
      const data = Buffer.alloc(4 + text.byteLength);
      data.writeUInt32BE(text.byteLength, 0);
      data.set(text, 4);
      this.#reply(Option.List, OptionReply.Server, data);
    }
    this.#reply(Option.List, OptionReply.Ack);
  }

  #inform(option: number, data: Buffer): void {
    const question = readExportQuestion(data);
    const chosen = question && this.#find(question.name);
    if (question === undefined || chosen === undefined) {
      this.#reply(option, question === undefined ? OptionReply.Invalid : OptionReply.Unknown);
      return;
    }
    for (const info of new Set([Info.Export, ...question.infos])) {
      const reply = this.#describe(chosen, info);
      if (reply !== undefined) this.#reply(option, OptionReply.Info, reply);
    }
    this.#reply(option, OptionReply.Ack);
    if (option === Option.Go) this.#agree(chosen);
  }

  /** Undefined if there is nothing to say. */
  #describe(chosen: NbdExport, info: number): Buffer | undefined {
    const { device, name = '', description } = chosen;
    switch (info) {
      case Info.Export: {
        const data = Buffer.alloc(12);
        data.writeBigUInt64BE(BigInt(device.byteLength), 2);
        data.writeUInt16BE(this.#flagsOf(device), 10);
        return data;
      }
      case Info.Name:
        return Buffer.concat([Buffer.from([0, info]), Buffer.from(name)]);
      case Info.Description:
        if (description === undefined) return undefined;
        return Buffer.concat([Buffer.from([0, info]), Buffer.from(description)]);
      case Info.BlockSize: {
        const data = Buffer.alloc(14);
        data.writeUInt16BE(info, 0);
        data.writeUInt32BE(device.blockBytes, 2);
        data.writeUInt32BE(Math.max(device.blockBytes, preferredBlockBytes), 6);
        data.writeUInt32BE(this.#payloadBytesMax, 10);
        return data;
      }
      default:
        return undefined;
    }
  }

  #chooseContext(option: number, data: Buffer): void {
    const isChoice = option === Option.SetMetaContext;
    if (isChoice) this.#contextExport = undefined;
    const question = this.#isStructured ? readContextQuestion(data) : undefined;
    const chosen = question && this.#find(question.name);
    if (question === undefined || chosen === undefined) {
      this.#reply(option, question === undefined ? OptionReply.Invalid : OptionReply.Unknown);
      return;
    }
    const { queries } = question;
    const isListed = !isChoice && (queries.length === 0 || queries.includes('base:'));
    if (isListed || queries.includes(allocationContext)) {
      const name = Buffer.from(allocationContext);
      const context = Buffer.alloc(4 + name.byteLength);
      if (isChoice) context.writeUInt32BE(allocationContextId, 0);
      context.set(name, 4);
      this.#reply(option, OptionReply.MetaContext, context);
      if (isChoice) this.#contextExport = chosen;
    }
    this.#reply(option, OptionReply.Ack);
  }

  #agree(chosen: NbdExport): void {
    this.#agreement = {
      device: chosen.device,
      isStructured: this.#isStructured,
      hasAllocation: this.#contextExport === chosen,
    };
  }

  #find(name: string): NbdExport | undefined {
    const named = this.#exports.find((candidate) => (candidate.name ?? '') === name);
    return named ?? (name === '' ? this.#exports[0] : undefined);
  }

  /** All connections share the device, so that each one's flush covers what the others wrote. */
  #flagsOf(device: BlockDevice): number {
    const { HasFlags, SendFlush, SendFua, CanMultiConnect } = TransmissionFlag;
    const { ReadOnly, SendTrim, SendWriteZeroes, SendDontFragment } = TransmissionFlag;
    let flags = HasFlags | SendFlush | SendFua | CanMultiConnect;
    flags |= device.isReadOnly ? ReadOnly : SendTrim | SendWriteZeroes;
    return this.#isStructured ? flags | SendDontFragment : flags;
  }

  #reply(option: number, type: number, data?: Buffer): void {
    const reply = Buffer.alloc(optionReplyBytes);
    reply.writeUInt32BE(optionReplyMagic.high, 0);
    reply.writeUInt32BE(optionReplyMagic.low, 4);
    reply.writeUInt32BE(option, 8);
    reply.writeUInt32BE(type, 12);
    reply.writeUInt32BE(data?.byteLength ?? 0, 16);
    this.#output.copy(reply);
    if (data !== undefined) this.#output.copy(data);
  }
}
