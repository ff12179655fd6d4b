/**
 * `idc/drivers/console`: a command behind an address, and its screen wherever somebody attaches.
 * `serveConsole` is the back end, `attachConsole` the front end. Re-exports only.
 *
 * Read `console-protocol.ts`, `console-session.ts`, `viewer.ts`, `attach-console.ts`, in this
 * order.
 */
export {
  attachConsole,
  ConsoleAttachment,
  type ConsoleHandlers,
  type ConsoleOptions,
  type ConsoleView,
} from './attach-console.js';
export {
  consoleProtocol,
  type ConsoleExit,
  type ConsoleMode,
  type ConsoleSchema,
  type ConsoleSignal,
  type ConsoleSize,
} from './console-protocol.js';
export type { Program, ProgramEvents, ProgramSettings, StartProgram } from './program.js';
export type { ScreenKind } from './screen.js';
export {
  serveConsole,
  type ConsoleServer,
  type ConsoleServerOptions,
  type ConsoleStatistics,
} from './serve-console.js';
