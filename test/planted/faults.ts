/** All planted faults. */
import { faultsOfDomains } from './faults-of-domains.js';
import { faultsOfLanes } from './faults-of-lanes.js';
import { faultsOfReceiving } from './faults-of-receiving.js';
import { faultsOfRegions } from './faults-of-regions.js';
import { faultsOfRings } from './faults-of-rings.js';
import { faultsOfSessions } from './faults-of-sessions.js';
import { faultsOfSubmitting } from './faults-of-submitting.js';
import { faultsOfTransports } from './faults-of-transports.js';
import { faultsOfTransfers } from './faults-of-transfers.js';
import type { PlantedFault } from './planted-fault.js';

export const plantedFaults: readonly PlantedFault[] = [
  ...faultsOfSubmitting,
  ...faultsOfReceiving,
  ...faultsOfSessions,
  ...faultsOfDomains,
  ...faultsOfTransports,
  ...faultsOfLanes,
  ...faultsOfRings,
  ...faultsOfTransfers,
  ...faultsOfRegions,
];
