/**
 * What the user sees while it happens: lines, and how far a job has come.
 *
 * On a terminal a job is a bar with rate and time left, redrawn in place, and lines scroll by above
 * it. Elsewhere (a file, a pipe, a log) it is a line now and then. One job at a time.
 */
import type { WriteStream } from 'node:tty';
import { MultiBar, Presets } from 'cli-progress';
import { describeBytes, describeDuration, describeRate } from './units.js';

export interface Progress {
  update(byteCount: number): void;
  /** Leaves the last state on the screen. Idempotent. */
  stop(): void;
}

export interface Screen {
  say(line: string): void;
  startProgress(label: string, byteLength: number): Progress;
}

export function createScreen(stream: NodeJS.WriteStream): Screen {
  return stream.isTTY ? new TerminalScreen(stream) : new PlainScreen(stream);
}

const labelWidth = 20;

class TerminalScreen implements Screen {
  readonly #stream: WriteStream;
  #bars: MultiBar | undefined = undefined;

  constructor(stream: WriteStream) {
    this.#stream = stream;
  }

  say(line: string): void {
    if (this.#bars === undefined) this.#stream.write(`${line}\n`);
    else this.#bars.log(`${line}\n`);
  }

  startProgress(label: string, byteLength: number): Progress {
    const format = `${label.padEnd(labelWidth)} {bar} {percentage} %  {rate}  {left} left`;
    // `forceRedraw`: a line above wipes the bar, which must come back even if it did not change.
    const look = { format, stream: this.#stream, hideCursor: true, barsize: 24, forceRedraw: true };
    const bars = new MultiBar(look, Presets.shades_classic);
    const meter = new Meter(byteLength);
    const bar = bars.create(byteLength, 0, meter.words());
    bars.on('redraw-pre', () => {
      bar.update(meter.byteCount, meter.words());
    });
    this.#bars = bars;
    return {
      update: (byteCount) => {
        meter.byteCount = byteCount;
      },
      stop: () => {
        if (this.#bars !== bars) return;
        this.#bars = undefined;
        bars.update();
        bars.stop();
      },
    };
  }
}

/** A line when this much has come since the last one ... */
const stepFraction = 0.1;
/** ... unless that was only just now; and after this long in any case. In milliseconds. */
const intervalLeastMs = 250;
const intervalMostMs = 5000;

class PlainScreen implements Screen {
  readonly #stream: NodeJS.WritableStream;

  constructor(stream: NodeJS.WritableStream) {
    this.#stream = stream;
  }

  say(line: string): void {
    this.#stream.write(`${line}\n`);
  }

  startProgress(label: string, byteLength: number): Progress {
    const meter = new Meter(byteLength);
    let toldByteCount = -1;
    let toldAtMs = performance.now();
    const tell = (): void => {
      const { percentage, rate, left } = meter.words();
      const done = `${describeBytes(meter.byteCount)} of ${describeBytes(byteLength)}`;
      this.say(`${label.padEnd(labelWidth)} ${percentage} %  ${done}  ${rate}  ${left} left`);
      toldByteCount = meter.byteCount;
      toldAtMs = performance.now();
    };
    return {
      update: (byteCount) => {
        meter.byteCount = byteCount;
        const silentMs = performance.now() - toldAtMs;
        const isStep = byteCount - Math.max(0, toldByteCount) >= byteLength * stepFraction;
        if ((isStep && silentMs >= intervalLeastMs) || silentMs >= intervalMostMs) tell();
      },
      stop: () => {
        if (toldByteCount !== meter.byteCount) tell();
      },
    };
  }
}

/** How far, how fast since the start, and how long still at that rate. */
class Meter {
  byteCount = 0;
  readonly #byteLength: number;
  readonly #startMs: number = performance.now();

  constructor(byteLength: number) {
    this.#byteLength = byteLength;
  }

  words(): { percentage: string; rate: string; left: string } {
    const seconds = (performance.now() - this.#startMs) / 1000;
    const rate = seconds > 0 ? this.byteCount / seconds : 0;
    const left = rate > 0 ? (this.#byteLength - this.byteCount) / rate : undefined;
    return {
      percentage: String(Math.floor((100 * this.byteCount) / this.#byteLength)).padStart(3),
      rate: describeRate(rate),
      left: left === undefined ? '--:--' : describeDuration(left),
    };
  }
}
