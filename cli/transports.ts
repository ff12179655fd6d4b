/** The transports of a command: those that reach other processes. */
import { createDomain, type Domain, type TransportFactory } from 'idc';
import { ring } from 'idc/ring';
import { tcp } from 'idc/tcp';

/** A domain that reaches whatever a command can be told to reach. */
export function createCommandDomain(name: string): Domain {
  const transports: TransportFactory[] = [tcp(), ring()];
  return createDomain({ name, transports });
}
