/** What a contender's process tells the bench. In the other direction any message means 'run'. */
import type { Figure } from './contender.js';
import { hasField } from './narrow.js';

export type NearEndMessage =
  | { readonly kind: 'ready'; readonly note: string }
  | { readonly kind: 'ran'; readonly figures: readonly Figure[] }
  | { readonly kind: 'missing' | 'failed'; readonly reason: string };

/** Only our own processes are asked, so that a look at the outside is enough. */
export function isNearEndMessage(value: unknown): value is NearEndMessage {
  if (!hasField(value, 'kind')) return false;
  if (value.kind === 'ready') return hasField(value, 'note');
  if (value.kind === 'ran') return hasField(value, 'figures');
  return hasField(value, 'reason') && (value.kind === 'missing' || value.kind === 'failed');
}
