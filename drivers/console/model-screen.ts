/**
 * ModelScreen: a screen by `@xterm/headless`, drawn by `@xterm/addon-serialize`: both optional,
 * loaded on first need, and known here alone.
 *
 * The model is shown output up to the last place where it can be cut, so that whoever is sent a
 * drawing can go on with the bytes that follow it. Of what the package does not draw, the region
 * that scrolls and two modes are noted here. A cursor that the program saved before the drawing is
 * lost: no public part of the packages tells it.
 */
import { createRequire } from 'node:module';
import type { ConsoleSize } from './console-protocol.js';
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
  readonly buffer: { readonly active: { readonly type: ScreenKind } };
  write(bytes: Uint8Array | string, done: () => void): void;
  resize(columns: number, rows: number): void;
  loadAddon(addon: Serializer): void;
  onData(listener: (text: string) => void): unknown;
  dispose(): void;
}
interface Serializer {
  serialize(options: { readonly scrollback: number }): string;
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
/** What a fresh terminal has of the modes noted here: a visible cursor, no wide mouse reports. */
const drawnModes: ReadonlyMap<number, boolean> = new Map([
  [25, true],
  [1006, false],
]);
/** Before the alternate screen, in a drawing that has both. */
const alternateScreen = '\u001B[?1049h\u001B[H';
/** What takes one to the alternate screen. */
const alternateModes: readonly number[] = [47, 1_047, 1_049];
/** A sequence that is longer is shown in pieces; it is text that no screen shows, or nonsense. */
const heldBytesMax = 16 * 1024;

/** The packages, or why they are not to be had. */
export function findModels(): Models | string {
  const load = createRequire(import.meta.url);
  try {
    // Their own types need others that a user would have to install.
    const { Terminal } = load('@xterm/headless') as Pick<Models, 'Terminal'>;
    // The same holds of it as of the package before.
    const { SerializeAddon } = load('@xterm/addon-serialize') as Pick<Models, 'SerializeAddon'>;
    return { Terminal, SerializeAddon };
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    return `a package of @xterm is not installed or does not load: ${reason}`;
  }
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
    const whole = this.#serializer.serialize({ scrollback: scrollbackRows });
    const { type } = this.#terminal.buffer.active;
    // The package draws the alternate screen as if the colours of the first had ended there. Some
    // terminals have one region for both screens: it is made whole for the drawing.
    const switched = `${this.#drawRegion('normal')}\u001B[?1049h\u001B[r\u001B[H\u001B[0m`;
    const drawn = type === 'normal' ? whole : whole.replace(alternateScreen, switched);
    const modes = [...this.#modes]
      .filter(([mode, isSet]) => isSet !== drawnModes.get(mode))
      .map(([mode, isSet]) => `\u001B[?${mode}${isSet ? 'h' : 'l'}`);
    return `${drawn}${this.#drawRegion(type)}${modes.join('')}`;
  }

  #drawRegion(screen: ScreenKind): string {
    const [top = 0, bottom = 0] = (this.#regions.get(screen) ?? []).map(Number);
    const isWhole = top <= 1 && bottom === 0;
    // Setting the region takes the cursor home.
    return isWhole ? '' : `\u001B7\u001B[${top};${bottom}r\u001B8`;
  }

  #watch(): void {
    const { parser } = this.#terminal;
    const noteModes = (isSet: boolean) => (parameters: Parameters) => {
      for (const mode of parameters.map(Number)) {
        if (drawnModes.has(mode)) this.#modes.set(mode, isSet);
        // Whoever leaves the alternate screen leaves nothing there.
        if (alternateModes.includes(mode) && !isSet) this.#regions.delete('alternate');
      }
      // The terminal's own handler comes next.
      return false;
    };
    const forget = (): boolean => {
      this.#regions.clear();
      for (const [mode, isSet] of drawnModes) this.#modes.set(mode, isSet);
      return false;
    };
    parser.registerCsiHandler({ prefix: '?', final: 'h' }, noteModes(true));
    parser.registerCsiHandler({ prefix: '?', final: 'l' }, noteModes(false));
    parser.registerCsiHandler({ final: 'r' }, (parameters) => {
      this.#regions.set(this.#terminal.buffer.active.type, [...parameters]);
      return false;
    });
    parser.registerCsiHandler({ intermediates: '!', final: 'p' }, forget);
    parser.registerEscHandler({ final: 'c' }, forget);
  }
}
