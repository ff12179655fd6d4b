/**
 * Detour: a path gets slow, and its one end leaves it. What is on its way there arrives after what
 * then goes another way, unless somebody sees to it that it does not.
 */
import type { Random } from './prng.js';
import type { SimulatedLink } from './simulated-link.js';
import type { World } from './world.js';

/** Strikes one of the links, and those that share its path. */
export function detour(world: World, random: Random, links: readonly SimulatedLink[]): void {
  const open = links.filter((link) => link.peer !== undefined && !link.isOver);
  if (open.length === 0) return;
  const { network, nowMs } = world;
  const { setting, peerHost, name } = random.pick(open);
  const holdMs = random.pick([5, 20, 80, 400, 3_000]);
  const lateMs = random.pick([0, 100, 9_000]);
  network.holdPath(setting.host, peerHost, name, nowMs + holdMs);
  world.after(random.pick([0.25, 1, 8]), () => {
    network.leavePath(setting.host, peerHost, name, holdMs + lateMs);
  });
}
