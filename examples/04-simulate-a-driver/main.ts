/** A block driver that loses nothing, whatever befalls it: `node main.js [SEEDS] [FIRST]`. */
import { IdcError } from 'idc';
import { simulateSeeds, type Place, type Simulation } from 'idc/simulation';
import { BlockFrontEnd, serveBlocks, type Platter } from './block-driver.js';
import { SectorHistory } from './history.js';

const address = 'simulated://back/disk';

function simulateDisk(seed: number): Simulation {
  const platter: Platter = new Map();
  const histories = [0, 1, 2, 3].map(() => new SectorHistory());
  let roundCount = 0;

  async function work(place: Place, disk: BlockFrontEnd, sector: number): Promise<void> {
    try {
      await histories[sector]?.read(disk, sector);
      await histories[sector]?.write(disk, sector);
      if (place.random.chance(0.5)) await histories[sector]?.flush(disk);
      roundCount += 1;
    } catch (error) {
      // Nothing here throws what is not an Error: a history that does not hold is one, too.
      if (!(error instanceof IdcError)) place.runtime.crash(error as Error);
    }
    place.runtime.scheduler.after(10, () => void work(place, disk, sector));
  }

  return {
    seed,
    domains: {
      back: (domain, { runtime }) =>
        serveBlocks(domain, address, platter, (task) => runtime.scheduler.after(2, task)),
      front: (domain, place) => {
        const disk = new BlockFrontEnd(domain, address);
        for (const sector of histories.keys()) void work(place, disk, sector);
      },
    },
    faults: { crashes: ['back', 'front'], stops: ['back', 'front'], severs: true, clogs: true },
    invariant: () => histories.forEach((history, sector) => history.check(platter.get(sector))),
    isSettled: () => roundCount > 200,
    provesIdentity: true,
  };
}

const [count = 20, first = 1] = process.argv.slice(2).map(Number);
const { stepCount } = await simulateSeeds(simulateDisk, { count, first });
console.log(`${count} seeds from ${first}: ${stepCount} steps, every flushed sector is there`);
