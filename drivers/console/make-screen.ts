/** Which screen a session has. */
import { ModelScreen, findModels } from './model-screen.js';
import type { Screen, ScreenKind, ScreenSettings } from './screen.js';
import { TailScreen } from './tail-screen.js';

/** The best that can be had, or the one that is asked for; `problem` says why it is not better. */
export function makeScreen(
  wanted: ScreenKind | 'auto',
  settings: ScreenSettings,
): { readonly screen: Screen; readonly problem: string | undefined } {
  if (wanted === 'tail') return { screen: new TailScreen(settings.tail), problem: undefined };
  const models = findModels();
  if (typeof models !== 'string') {
    return { screen: new ModelScreen(models, settings), problem: undefined };
  }
  const advice = 'try: npm install @xterm/headless @xterm/addon-serialize';
  const problem = `no model of the screen: ${models}; ${advice}`;
  return { screen: new TailScreen(settings.tail), problem };
}
