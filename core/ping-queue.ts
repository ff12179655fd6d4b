/**
 * PingQueue: who asked for a sign of life of the peer, and which ping answers whom. One ping is out
 * at a time; whoever asks meanwhile is answered by the next, so that no answer is older than its
 * question.
 */
export class PingQueue {
  /** Those that the ping which is out will answer. */
  #asked: ((isAnswered: boolean) => void)[] = [];
  #waiting: ((isAnswered: boolean) => void)[] = [];

  /** `isOut`: a ping is out already. True if one is to be sent. */
  add(onAnswer: (isAnswered: boolean) => void, isOut: boolean): boolean {
    (isOut ? this.#waiting : this.#asked).push(onAnswer);
    return !isOut;
  }

  /** The pong is there; true if another ping is to be sent. */
  answered(): boolean {
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
