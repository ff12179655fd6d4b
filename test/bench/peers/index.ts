/** The peers, in the order of the table. */
import {
  besidePeer,
  bulkPeer,
  floorPeer,
  oneWayPeer,
  rawPeer,
  strippedPeer,
  subjectPeer,
  unloadedPeer,
  type Peer,
} from './peer.js';
import { ucxPeer } from './ucx.js';

export const peers: readonly Peer[] = [
  strippedPeer('memory'),
  strippedPeer('tcp'),
  unloadedPeer,
  besidePeer('net-beside', 'tcp', 'tcp'),
  rawPeer,
  bulkPeer('memmove', 'local', 'ring-process'),
  bulkPeer('net', 'tcp', 'tcp'),
  floorPeer('bare-ring', 'local', 'ring-process'),
  subjectPeer('messageport', 'local', 'memory', 'ring-thread', 'ring-shared'),
  oneWayPeer('ringbuf', 'local', 'ring-thread', 'ring-shared'),
  subjectPeer('net', 'tcp', 'tcp'),
  subjectPeer('net-unix', 'local', 'ring-process'),
  subjectPeer('fork', 'local', 'tcp'),
  subjectPeer('ws', 'tcp', 'tcp'),
  subjectPeer('zeromq-tcp', 'tcp', 'tcp'),
  subjectPeer('zeromq-ipc', 'local', 'tcp', 'ring-process'),
  subjectPeer('grpc-tcp', 'tcp', 'tcp'),
  subjectPeer('grpc-unix', 'local', 'tcp'),
  ucxPeer('ucx-tag-tcp', 'tcp', 'tcp'),
  ucxPeer('ucx-am-tcp', 'tcp', 'tcp'),
  ucxPeer('ucx-tag-shm', 'local', 'ring-process'),
  ucxPeer('ucx-am-shm', 'local', 'ring-process'),
  ucxPeer('ucx-put-shm', 'local', 'ring-process'),
];
