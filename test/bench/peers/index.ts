/** The peers, in the order of the table. Figures to expect are in DESIGN section 8. */
import { subjectPeer, type Peer } from './peer.js';

export const peers: readonly Peer[] = [
  subjectPeer('messageport', 'memory'),
  subjectPeer('net', 'tcp'),
  subjectPeer('fork', 'tcp'),
  subjectPeer('ws', 'tcp'),
  subjectPeer('zeromq-tcp', 'tcp'),
  subjectPeer('zeromq-ipc', 'tcp'),
  subjectPeer('grpc-tcp', 'tcp'),
  subjectPeer('grpc-unix', 'tcp'),
];
