/**
 * A cursor behind the last column, where it waits for the next character to begin a line: no
 * sequence takes it there, but a character in that column does.
 */
import { drawStyle, isFilled, type Cell, type Cells } from './cells.js';

/** A screen and its cursor. */
export interface CellsWithCursor extends Cells {
  /** Lines above the screen. */
  readonly baseY: number;
  readonly cursorX: number;
  readonly cursorY: number;
}

/** For the end of a drawing; empty if the cursor is on the screen. Leaves colours behind it. */
export function drawLastColumn(cells: CellsWithCursor): string {
  const row = cells.baseY + cells.cursorY;
  const line = cells.getLine(row);
  const last = line?.getCell(line.length - 1);
  if (line === undefined || last === undefined || cells.cursorX < line.length) return '';
  const goTo = (column: number): string => `\u001B[${cells.cursorY + 1};${column}H`;
  const put = (cell: Cell, column: number): string =>
    `${goTo(column)}${drawStyle(cell)}${cell.getChars()}`;
  const wide = last.getWidth() === 0 ? line.getCell(line.length - 2) : undefined;
  if (wide !== undefined) return put(wide, line.length - 1);
  if (last.getChars() !== '') return put(last, line.length);
  // A line that was erased while the cursor was there: once more.
  const isErased = isFilled(cells, row, last);
  return isErased ? `${goTo(line.length)}${drawStyle(last)} \u001B[1K` : '';
}
