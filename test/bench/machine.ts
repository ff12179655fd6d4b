/** The machine that the figures were measured on, in lines for the table's head. */
import os from 'node:os';

const readings = 200_000;

export function machineLines(): string[] {
  const cpus = os.cpus();
  const model = cpus[0]?.model.trim() ?? 'unknown processor';
  const load = os.loadavg()[0] ?? 0;
  return [
    `${model}, ${cpus.length} cores, load ${load.toFixed(2)}`,
    `${os.type()} ${os.release()}, Node ${process.version}`,
    `every time includes one reading of the clock, ${Math.round(clockNs())} ns here`,
  ];
}

/** What one `performance.now()` takes. */
function clockNs(): number {
  const startMs = performance.now();
  let lastMs = startMs;
  for (let reading = 0; reading < readings; reading += 1) lastMs = performance.now();
  return ((lastMs - startMs) / readings) * 1e6;
}
