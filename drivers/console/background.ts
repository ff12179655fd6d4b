/** The background below all text of a screen: the package that draws screens leaves it out. */

/** A character of a screen, as the model of it has it. */
export interface Cell {
  getChars(): string;
  isBgDefault(): boolean;
  isBgRGB(): boolean;
  getBgColorMode(): number;
  getBgColor(): number;
}

/** One of a model's two screens; without lines above it there are `length` rows. */
export interface Cells {
  readonly length: number;
  getLine(
    row: number,
  ): { readonly length: number; getCell(column: number): Cell | undefined } | undefined;
}

/** For the beginning of a drawing that does not scroll; empty if there is nothing to fill. */
export function drawBackground(cells: Cells): string {
  const lastLine = cells.getLine(cells.length - 1);
  const last = lastLine?.getCell(lastLine.length - 1);
  if (last === undefined || last.isBgDefault()) return '';
  let rowsAbove = cells.length;
  while (rowsAbove > 0 && isFilled(cells, rowsAbove - 1, last)) rowsAbove -= 1;
  if (rowsAbove === cells.length) return '';
  // What is erased takes on the background that is set.
  return `\u001B[${rowsAbove + 1}H\u001B[${backgroundParameters(last)}m\u001B[J\u001B[0m\u001B[H`;
}

/** A row without text and of one background. */
function isFilled(cells: Cells, row: number, like: Cell): boolean {
  const line = cells.getLine(row);
  if (line === undefined) return false;
  for (let column = 0; column < line.length; column++) {
    const cell = line.getCell(column);
    if (cell?.getChars() !== '') return false;
    if (cell.getBgColorMode() !== like.getBgColorMode()) return false;
    if (cell.getBgColor() !== like.getBgColor()) return false;
  }
  return true;
}

function backgroundParameters(cell: Cell): string {
  const colour = cell.getBgColor();
  if (cell.isBgRGB()) {
    return `48;2;${(colour >>> 16) & 0xff};${(colour >>> 8) & 0xff};${colour & 0xff}`;
  }
  // The first sixteen have sequences of their own, and a model tells them apart by that.
  if (colour < 8) return String(40 + colour);
  return colour < 16 ? String(100 + colour - 8) : `48;5;${colour}`;
}
