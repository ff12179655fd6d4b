/** The characters of a screen, as a model of it has them, and the sequences that make them so. */

/** A character, or a place without one. */
export interface Cell {
  getChars(): string;
  /** In columns; 0: the second half of the one before. */
  getWidth(): number;
  isFgDefault(): boolean;
  isFgRGB(): boolean;
  getFgColor(): number;
  isBgDefault(): boolean;
  isBgRGB(): boolean;
  getBgColorMode(): number;
  getBgColor(): number;
  isBold(): number;
  isDim(): number;
  isItalic(): number;
  isUnderline(): number;
  isBlink(): number;
  isInverse(): number;
  isInvisible(): number;
  isStrikethrough(): number;
  isOverline(): number;
}

interface Line {
  readonly length: number;
  getCell(column: number): Cell | undefined;
}

/** One of a model's two screens; the lines above it come first. */
export interface Cells {
  readonly length: number;
  getLine(row: number): Line | undefined;
}

/** Sets the colours of a character, and no others. */
export function drawStyle(cell: Cell): string {
  const flags = [
    cell.isBold(),
    cell.isDim(),
    cell.isItalic(),
    cell.isUnderline(),
    cell.isBlink(),
    0,
    cell.isInverse(),
    cell.isInvisible(),
    cell.isStrikethrough(),
  ];
  // A flag is set by its place among them, counted from 1.
  const parameters = flags.flatMap((flag, index) => (flag === 0 ? [] : [index + 1]));
  if (cell.isOverline() !== 0) parameters.push(53);
  if (!cell.isFgDefault()) parameters.push(...drawColour(30, cell.getFgColor(), cell.isFgRGB()));
  if (!cell.isBgDefault()) parameters.push(...drawColour(40, cell.getBgColor(), cell.isBgRGB()));
  return `\u001B[${[0, ...parameters].join(';')}m`;
}

/** From 30 on for the text, from 40 on for what is behind it. */
function drawColour(base: number, colour: number, isRgb: boolean): number[] {
  if (isRgb) return [base + 8, 2, (colour >>> 16) & 0xff, (colour >>> 8) & 0xff, colour & 0xff];
  // The first sixteen have numbers of their own, and a model tells them apart by that.
  if (colour < 8) return [base + colour];
  return colour < 16 ? [base + 60 + colour - 8] : [base + 8, 5, colour];
}

/** A row without text and of one background. */
export function isFilled(cells: Cells, row: number, like: Cell): boolean {
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
