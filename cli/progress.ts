/** How far a long job has come: a bar on a terminal, and nothing elsewhere. On standard error. */
import { Presets, SingleBar } from 'cli-progress';
import { describeBytes } from './units.js';

export interface Progress {
  update(byteCount: number): void;
  /** Leaves the last state on the screen. Idempotent. */
  stop(): void;
}

const silent: Progress = {
  update: () => undefined,
  stop: () => undefined,
};

/** Begins now; `byteLength` is all there is to do. */
export function startProgress(label: string, byteLength: number): Progress {
  if (!process.stderr.isTTY || byteLength === 0) return silent;
  const startMs = performance.now();
  const format = `${label} {bar} {percentage} %  {rate}/s  {eta_formatted} left`;
  const look = { format, stream: process.stderr, hideCursor: true, barsize: 24 };
  const bar = new SingleBar(look, Presets.shades_classic);
  bar.start(byteLength, 0, { rate: describeBytes(0) });
  return {
    update: (byteCount) => {
      const seconds = Math.max(0.001, (performance.now() - startMs) / 1000);
      bar.update(byteCount, { rate: describeBytes(Math.floor(byteCount / seconds)) });
    },
    stop: () => {
      bar.stop();
    },
  };
}
