/** The background below all text of a screen: the package that draws screens leaves it out. */
import { drawStyle, isFilled, type Cells } from './cells.js';

/** For the beginning of a drawing that does not scroll; empty if there is nothing to fill. */
export function drawBackground(cells: Cells): string {
  const lastLine = cells.getLine(cells.length - 1);
  const last = lastLine?.getCell(lastLine.length - 1);
  if (last === undefined || last.isBgDefault()) return '';
  let rowsAbove = cells.length;
  while (rowsAbove > 0 && isFilled(cells, rowsAbove - 1, last)) rowsAbove -= 1;
  if (rowsAbove === cells.length) return '';
  // What is erased takes on the background that is set.
  return `\u001B[${rowsAbove + 1}H${drawStyle(last)}\u001B[J\u001B[0m\u001B[H`;
}
