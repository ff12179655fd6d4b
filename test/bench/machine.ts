/** The machine that the figures were measured on, in lines for the table's head. */
import os from 'node:os';

const readings = 200_000;

export function machineLines(): string[] {
  return [
    machineLine(),
    loadLine(),
    `every time includes one reading of the clock, ${Math.round(clockNs())} ns here`,
  ];
}

/** What else the machine does when this is asked for: figures under load say little. */
export function loadLine(): string {
  return `load ${(os.loadavg()[0] ?? 0).toFixed(2)} when it began`;
}

/** Without what changes from run to run. */
export function machineLine(): string {
  const cpus = os.cpus();
  const model = cpus[0]?.model.trim() ?? 'unknown processor';
  const system = `${os.type()} ${os.release()}`;
  return `${model}, ${cpus.length} cores, ${system}, Node ${process.version}`;
}

/** What one `performance.now()` takes. */
function clockNs(): number {
  const startMs = performance.now();
  let lastMs = startMs;
  for (let reading = 0; reading < readings; reading += 1) lastMs = performance.now();
  return ((lastMs - startMs) / readings) * 1e6;
}
