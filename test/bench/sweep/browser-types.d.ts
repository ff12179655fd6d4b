/**
 * Vega's declarations name what only a browser has. Nothing here is in one, and the names stay
 * empty, so that a use of them does not compile.
 */
declare type Element = never;
declare type HTMLElement = never;
declare type HTMLCanvasElement = never;
declare type KeyboardEvent = never;
declare type MouseEvent = never;
declare type TouchEvent = never;
