/** The transports of a command: those that reach other processes. */
import { createDomain, type Domain, type TransportFactory } from 'idc';
import { ring } from 'idc/ring';
import { tcp } from 'idc/tcp';

const schemes = ['tcp', 'ring'] as const;

/** A domain that reaches whatever a command can be told to reach. */
export function createCommandDomain(name: string): Domain {
  const transports: TransportFactory[] = [tcp(), ring()];
  return createDomain({ name, transports });
}

/** What is wrong with an address that a user gave, or undefined. */
export function addressProblem(address: string): string | undefined {
  const scheme = address.slice(0, Math.max(0, address.indexOf('://')));
  if (schemes.some((known) => known === scheme)) return undefined;
  return `${address}: not an address; expected tcp://HOST:PORT/SERVICE or ring://NAME/SERVICE`;
}
