/**
 * PingQueue: who asked for a sign of life of the peer, and which ping answers whom. One ping is out
 * at a time; whoever asks meanwhile is answered by the next, so that no answer is older than its
 * question.
 */
import { assert } from './assert.js';

export class PingQueue {
  #isOut = false;
  #nonce = 0;
  /** Those that the ping which is out will answer. */
  #asked: ((isAnswered: boolean) => void)[] = [];
  #waiting: ((isAnswered: boolean) => void)[] = [];

  /** A ping waits for its pong. */
  get isOut(): boolean {
    return this.#isOut;
  }

  /** True if a ping is to be sent: none is out. */
  add(onAnswer: (isAnswered: boolean) => void): boolean {
    (this.#isOut ? this.#waiting : this.#asked).push(onAnswer);
    return !this.#isOut;
  }

  /** A ping goes out, while none is; answers its nonce. */
  send(): number {
    assert(!this.#isOut, 'one ping is out at a time');
    this.#isOut = true;
    this.#nonce = (this.#nonce + 1) & 0x7fff_ffff;
    return this.#nonce;
  }

  /** True if a pong with this nonce answers the ping that is out. */
  isAnswer(nonce: number): boolean {
    return this.#isOut && nonce === this.#nonce;
  }

  /** The pong is there; true if another ping is to be sent. */
  answered(): boolean {
    this.#isOut = false;
    const asked = this.#asked;
    this.#asked = this.#waiting;
    this.#waiting = [];
    for (const onAnswer of asked) onAnswer(true);
    return this.#asked.length > 0;
  }

  /** Nobody will answer. */
  end(): void {
    const all = [...this.#asked, ...this.#waiting];
    this.#asked = [];
    this.#waiting = [];
    for (const onAnswer of all) onAnswer(false);
  }
}
