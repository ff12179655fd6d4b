/**
 * ControlSender: what a session says outside its epoch: handshake words, signs of life, goodbye.
 *
 * A link that is full owes them; `pump` makes up for it. Each kind is owed once at most, so nothing
 * has to be queued.
 */
import { ByteArea } from './byte-area.js';
import { errorTable, type ErrorCode } from './errors.js';
import { controlFrameBytes, FrameType, goodbyeFrameBytes, headWord } from './frame.js';
import type { Link } from './transport.js';

export class ControlSender {
  readonly link: Link;
  /** The link's claim bytes, also for those who write the epoch's frames. */
  readonly area: ByteArea;
  /** The type of the handshake's word that is owed; 0 if none. */
  #owedType = 0;
  #owedWord = 0;
  #isPingOwed = false;
  #pingNonce = 0;
  #isPongOwed = false;
  #pongNonce = 0;
  #isSummonOwed = false;
  #summonNonce = 0;

  constructor(link: Link) {
    this.link = link;
    this.area = new ByteArea(link.claimBytes);
  }

  /** Sends a frame of one word behind its head; false if the link does not take it now. */
  sendWord(type: number, word: number): boolean {
    const offset = this.link.claim(controlFrameBytes);
    if (offset < 0) return false;
    this.area.setWord(offset, headWord(type, 0, 0));
    this.area.setWord(offset + 4, word);
    this.link.commit();
    return true;
  }

  /** Says a word of the handshake, now or when the link takes it; the peer waits for it. */
  handshake(type: number, word: number): void {
    this.#owedType = this.sendWord(type, word) ? 0 : type;
    this.#owedWord = word;
  }

  /** Sends a frame as it is; the handshake's fit an idle link (L10). */
  sendFrame(bytes: Uint8Array): boolean {
    const offset = this.link.claim(bytes.length);
    if (offset < 0) return false;
    this.area.bytes.set(bytes, offset);
    this.link.commit();
    return true;
  }

  /** Says how far this side handled, and why it leaves. */
  sendGoodbye(flags: number, handledThrough: number, reason: ErrorCode): boolean {
    const offset = this.link.claim(goodbyeFrameBytes);
    if (offset < 0) return false;
    this.area.setWord(offset, headWord(FrameType.Goodbye, flags, 0));
    this.area.setWord(offset + 4, handledThrough);
    this.area.setWord(offset + 8, errorTable[reason].wire);
    this.link.commit();
    return true;
  }

  /** Asks for a sign of life, now or when the link takes it. */
  ping(nonce: number): void {
    this.#pingNonce = nonce;
    this.#isPingOwed = !this.sendWord(FrameType.Ping, nonce);
  }

  /** Gives one. A peer that asks faster than it listens gets the last answer only. */
  pong(nonce: number): void {
    this.#pongNonce = nonce;
    this.#isPongOwed = !this.sendWord(FrameType.Pong, nonce);
  }

  /** Asks for a channel, now or when the link takes it; only the last nonce counts. */
  summon(nonce: number): void {
    this.#summonNonce = nonce;
    this.#isSummonOwed = !this.sendWord(FrameType.Summon, nonce);
  }

  /** The link takes frames again. */
  pump(): void {
    if (this.#owedType !== 0) this.handshake(this.#owedType, this.#owedWord);
    if (this.#isPongOwed) this.pong(this.#pongNonce);
    if (this.#isPingOwed) this.ping(this.#pingNonce);
    if (this.#isSummonOwed) this.summon(this.#summonNonce);
  }
}
