/**
 * ModelScreen: a screen by `@xterm/headless`, drawn by `@xterm/addon-serialize`: both optional,
 * loaded on first need, and known here alone.
 *
 * The model is shown output up to the last place where it can be cut, so that whoever is sent a
 * drawing can go on with the bytes that follow it. Of what the package does not draw, the region
 * that scrolls, two modes, and the colours that come back when the first screen does are noted
 * here. Any other cursor that the program saved before the drawing is lost.
 */
import { drawBackground } from './background.js';
import type { ConsoleSize } from './console-protocol.js';
import { drawCursor, type CellsWithCursor } from './cursor.js';
import { findPackage } from './optional-package.js';
import type { Drawing, Screen, ScreenSettings } from './screen.js';
import { SequenceScanner } from './sequence-scanner.js';

type Parameters = readonly (number | number[])[];
/** The first screen, and the one that a program has for itself. */
type ScreenKind = 'normal' | 'alternate';

/** What is used of the packages. */
interface Terminal {
  readonly parser: {
    registerCsiHandler(
      id: { readonly prefix?: string; readonly intermediates?: string; readonly final: string },
      handler: (parameters: Parameters) => boolean,
    ): unknown;
    registerEscHandler(id: { readonly final: string }, handler: () => boolean): unknown;
  };
  readonly rows: number;
  readonly modes: { readonly originMode: boolean };
  readonly buffer: {
    readonly active: CellsWithCursor & { readonly type: ScreenKind };
    readonly normal: CellsWithCursor;
    readonly alternate: CellsWithCursor;
  };
  write(bytes: Uint8Array | string, done: () => void): void;
  resize(columns: number, rows: number): void;
  loadAddon(addon: Serializer): void;
  onData(listener: (text: string) => void): unknown;
  dispose(): void;
}
interface Serializer {
  serialize(options: {
    readonly scrollback?: number;
    /** Of the first screen, without the cursor. */
    readonly range?: { readonly start: number; readonly end: number };
    readonly excludeModes?: boolean;
    readonly excludeAltBuffer?: boolean;
  }): string;
}

/** The packages. */
export interface Models {
  readonly Terminal: new (options: {
    readonly cols: number;
    readonly rows: number;
    readonly scrollback: number;
    readonly allowProposedApi: boolean;
  }) => Terminal;
  readonly SerializeAddon: new () => Serializer;
}

/** Lines above the screen that are drawn, too. */
const scrollbackRows = 200;
const cursorMode = 25;
/** What a fresh terminal has of the modes noted here: a visible cursor, no wide mouse reports. */
const drawnModes: ReadonlyMap<number, boolean> = new Map([
  [cursorMode, true],
  [1006, false],
]);
/** Before the alternate screen, in a drawing that has both. */
const alternateScreen = '\u001B[?1049h\u001B[H';
/** Sets colours, in a drawing; there, what resets them does nothing else. */
const reset = '\u001B[0m';
const colours = /\u001B\[[\d;]*m/gu;
/** So the package writes a way of no columns, which terminals take for one of one. */
const noSteps = /\u001B\[0[CD]/gu;
/** What takes one to the alternate screen. */
const alternateModes: readonly number[] = [47, 1_047, 1_049];
/** What notes the cursor and its colours, for the end of the mode. */
const savingModes: readonly number[] = [1_048, 1_049];
/** A sequence that is longer is shown in pieces; it is text that no screen shows, or nonsense. */
const heldBytesMax = 16 * 1024;

/** The packages, or why they are not to be had. */
export function findModels(): Models | string {
  return findPackage('a package of @xterm', (load) => {
    // Their own types need others that a user would have to install.
    const { Terminal } = load('@xterm/headless') as Pick<Models, 'Terminal'>;
    // The same holds of it as of the package before.
    const { SerializeAddon } = load('@xterm/addon-serialize') as Pick<Models, 'SerializeAddon'>;
    return { Terminal, SerializeAddon };
  });
}

export class ModelScreen implements Screen {
  readonly kind = 'model';
  readonly #settings: ScreenSettings;
  readonly #terminal: Terminal;
  readonly #serializer: Serializer;
  readonly #scanner = new SequenceScanner();
  /** After the last cut; shown when the next one comes. */
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #writtenBytes = 0;
  #position = 0;
  readonly #modes = new Map(drawnModes);
  readonly #regions = new Map<ScreenKind, Parameters>();
  /** What sets the colours that were saved on the first screen. */
  #savedColours = reset;
  #drawing: Promise<Drawing> | undefined = undefined;

  constructor({ Terminal, SerializeAddon }: Models, settings: ScreenSettings) {
    const { columns, rows } = settings.size;
    this.#settings = settings;
    this.#terminal = new Terminal({
      cols: columns,
      rows,
      scrollback: scrollbackRows,
      allowProposedApi: true,
    });
    this.#serializer = new SerializeAddon();
    this.#terminal.loadAddon(this.#serializer);
    this.#terminal.onData((text) => {
      settings.answered(new TextEncoder().encode(text));
    });
    this.#watch();
  }

  get pendingBytes(): number {
    return this.#writtenBytes - this.#position;
  }

  show(bytes: Uint8Array): void {
    const cut = this.#scanner.scan(bytes);
    const isTooLong = cut < 0 && this.#heldBytes + bytes.length > heldBytesMax;
    const shown = isTooLong ? bytes.length : Math.max(0, cut);
    if (shown > 0) {
      for (const held of this.#held.splice(0)) this.#write(held);
      this.#heldBytes = 0;
      this.#write(bytes.subarray(0, shown));
    }
    if (shown < bytes.length) this.#hold(bytes.subarray(shown));
  }

  resize({ columns, rows }: ConsoleSize): void {
    this.#regions.clear();
    this.#terminal.resize(columns, rows);
  }

  draw(): Promise<Drawing> {
    // Viewers that ask at one time get one drawing.
    this.#drawing ??= new Promise((resolve) => {
      this.#terminal.write('', () => {
        this.#drawing = undefined;
        resolve({ bytes: new TextEncoder().encode(this.#serialize()), position: this.#position });
      });
    });
    return this.#drawing;
  }

  close(): void {
    this.#terminal.dispose();
  }

  #hold(bytes: Uint8Array): void {
    this.#held.push(bytes);
    this.#heldBytes += bytes.length;
  }

  #write(bytes: Uint8Array): void {
    this.#writtenBytes += bytes.length;
    this.#terminal.write(bytes, () => {
      this.#position += bytes.length;
      this.#settings.progressed();
    });
  }

  #serialize(): string {
    const whole = this.#serializer
      .serialize({ scrollback: scrollbackRows })
      .replaceAll(noSteps, '');
    const { active, normal, alternate } = this.#terminal.buffer;
    const { type } = active;
    // With lines above it the package draws all of the first screen.
    const below = normal.length > this.#terminal.rows ? '' : drawBackground(normal);
    // The package draws the first screen with the colours of the alternate one at its end, and that
    // one as if it began empty and without colours. Some terminals have one region for both
    // screens: it is made whole for the drawing.
    const behind = drawCursor(normal, 0, reset);
    const left = `${this.#drawRegion('normal')}${behind}${this.#savedColours}`;
    const entered = `\u001B[?1049h\u001B[r${reset}\u001B[2J\u001B[H`;
    const switched = `${left}${entered}${drawBackground(alternate)}`;
    const drawn = type === 'normal' ? whole : whole.replace(alternateScreen, switched);
    const modes = [...this.#modes]
      .filter(([mode, isSet]) => isSet !== drawnModes.get(mode))
      .map(([mode, isSet]) => `\u001B[?${mode}${isSet ? 'h' : 'l'}`);
    // The package counts wrong from a cursor behind the last column, and takes the cursor home when
    // it sets the mode in which positions count from the top of the region.
    const rowsAbove = this.#terminal.modes.originMode ? this.#regionOf(type).top - 1 : 0;
    const cursor = drawCursor(active, rowsAbove, this.#drawColours());
    const text = `${below}${drawn}${this.#drawRegion(type)}`;
    // An empty screen has its cursor at home, and an empty drawing.
    return `${text}${text === '' ? '' : cursor}${modes.join('')}`;
  }

  #regionOf(screen: ScreenKind): { readonly top: number; readonly bottom: number } {
    const [top = 0, bottom = 0] = (this.#regions.get(screen) ?? []).map(Number);
    return { top: Math.max(1, top), bottom };
  }

  /** It takes the cursor home. */
  #drawRegion(screen: ScreenKind): string {
    const { top, bottom } = this.#regionOf(screen);
    const isWhole = top === 1 && bottom === 0;
    return isWhole ? '' : `\u001B[${top};${bottom}r`;
  }

  /** What sets the present colours: any line that the package draws ends with them. */
  #drawColours(): string {
    const range = { start: 0, end: 0 };
    const line = this.#serializer.serialize({ range, excludeModes: true, excludeAltBuffer: true });
    const all = [reset, ...(line.match(colours) ?? [])];
    return all.slice(all.lastIndexOf(reset)).join('');
  }

  #watch(): void {
    const { parser } = this.#terminal;
    const noteColours = (): boolean => {
      const { type } = this.#terminal.buffer.active;
      if (type === 'normal') this.#savedColours = this.#drawColours();
      return false;
    };
    const noteModes = (isSet: boolean) => (parameters: Parameters) => {
      for (const mode of parameters.map(Number)) {
        if (drawnModes.has(mode)) this.#modes.set(mode, isSet);
        if (savingModes.includes(mode) && isSet) noteColours();
        // Whoever leaves the alternate screen leaves nothing there.
        if (alternateModes.includes(mode) && !isSet) this.#regions.delete('alternate');
      }
      // The terminal's own handler comes next.
      return false;
    };
    const forgetAll = (): boolean => {
      this.#regions.clear();
      this.#savedColours = reset;
      for (const [mode, isSet] of drawnModes) this.#modes.set(mode, isSet);
      return false;
    };
    // The other screen and the mouse stay as they are.
    const forgetSome = (): boolean => {
      const { type } = this.#terminal.buffer.active;
      this.#regions.delete(type);
      if (type === 'normal') this.#savedColours = reset;
      this.#modes.set(cursorMode, true);
      return false;
    };
    parser.registerCsiHandler({ prefix: '?', final: 'h' }, noteModes(true));
    parser.registerCsiHandler({ prefix: '?', final: 'l' }, noteModes(false));
    parser.registerCsiHandler({ final: 'r' }, (parameters) => {
      this.#regions.set(this.#terminal.buffer.active.type, [...parameters]);
      return false;
    });
    parser.registerCsiHandler({ final: 's' }, noteColours);
    parser.registerEscHandler({ final: '7' }, noteColours);
    parser.registerCsiHandler({ intermediates: '!', final: 'p' }, forgetSome);
    parser.registerEscHandler({ final: 'c' }, forgetAll);
  }
}
