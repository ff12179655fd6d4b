/** The cursor of a screen, and the sequence that takes it to its place. */
import { drawStyle, isFilled, type Cell, type Cells } from './cells.js';

/** A screen and its cursor. */
export interface CellsWithCursor extends Cells {
  /** Lines above the screen. */
  readonly baseY: number;
  readonly cursorX: number;
  readonly cursorY: number;
}

/** `rowsAbove`: those that positions do not count. `colours`: set what the cursor has. */
export function drawCursor(cells: CellsWithCursor, rowsAbove: number, colours: string): string {
  const row = Math.max(1, cells.cursorY + 1 - rowsAbove);
  const goTo = (column: number): string => `\u001B[${row};${column}H`;
  const line = cells.getLine(cells.baseY + cells.cursorY);
  const last = line?.getCell(line.length - 1);
  const isOnScreen = line === undefined || cells.cursorX < line.length;
  if (isOnScreen || last === undefined) return goTo(cells.cursorX + 1);
  // Behind the last column it waits for the next character to begin a line. No sequence takes it
  // there, but a character in that column does.
  const put = (cell: Cell, column: number, text: string): string =>
    `${goTo(column)}${drawStyle(cell)}${text}${colours}`;
  const wide = last.getWidth() === 0 ? line.getCell(line.length - 2) : undefined;
  if (wide !== undefined) return put(wide, line.length - 1, wide.getChars());
  if (last.getChars() !== '') return put(last, line.length, last.getChars());
  // The line was erased while the cursor was there: once more.
  const isErased = isFilled(cells, cells.baseY + cells.cursorY, last);
  return isErased ? put(last, line.length, ' \u001B[1K') : goTo(line.length);
}
