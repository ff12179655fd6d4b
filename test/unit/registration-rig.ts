/** Owners of registered buffers and holders of references, without domains around them. */
import assert from 'node:assert/strict';
import { ErrorCode, IdcError } from '../../core/errors.js';
import type { SharedRegion } from '../../core/shared-memory.js';
import type { RemoteBufferReference } from '../../core/transfer/reference.js';
import {
  Registrations,
  type Grant,
  type Holder,
  type RegisterOptions,
  type RegisteredBuffer,
} from '../../core/transfer/registrations.js';
import { Fault, type PeerIdentity } from '../../core/transport.js';
import { VirtualRuntime } from './virtual-runtime.js';

export const ownerId = '0123456789abcdef0123456789abcdef';
export const incarnation = 'fedcba9876543210';

export interface OwnerOptions {
  readonly seed?: number;
  readonly domainId?: string;
  readonly incarnation?: string;
  readonly addresses?: readonly string[];
  readonly generationMax?: number;
}

/** A domain as far as its buffers are concerned. */
export class Owner {
  readonly runtime: VirtualRuntime;
  readonly registrations: Registrations;
  /** How often somebody wanted to know where the owner is. */
  addressesAsked = 0;

  constructor(options: OwnerOptions = {}) {
    this.runtime = new VirtualRuntime(options.seed ?? 1);
    const { clock, prng } = this.runtime;
    const host = {
      clock,
      prng,
      domainId: options.domainId ?? ownerId,
      incarnation: options.incarnation ?? incarnation,
      addresses: () => {
        this.addressesAsked += 1;
        return options.addresses ?? [];
      },
    };
    this.registrations = new Registrations(host, options.generationMax);
  }

  register(local: Uint8Array, options: Partial<RegisterOptions> = {}): RegisteredBuffer {
    return this.registrations.register(local, { access: 'readWrite', ...options });
  }

  /** What comes of one byte read at the start of what the reference covers. */
  read(
    reference: RemoteBufferReference | Uint8Array,
    holder: Holder = somebody,
  ): Grant | ErrorCode {
    const encoded = reference instanceof Uint8Array ? reference : reference.encode();
    return this.registrations.check(encoded, holder, 'read', 0, 1);
  }
}

export function holderOf(identity: Pick<PeerIdentity, 'kind' | 'name'>, isRelayed = false): Holder {
  const { kind, name } = identity;
  return {
    identity: { kind, name, origin: 'here' },
    domainId: 'ab'.repeat(16),
    domainName: 'holder',
    isRelayed,
  };
}

export const somebody: Holder = holderOf({ kind: 'unproven', name: '' });
export const alice: Holder = holderOf({ kind: 'certificate', name: 'alice' });
export const bob: Holder = holderOf({ kind: 'certificate', name: 'bob' });

export function isGrant(result: Grant | ErrorCode): result is Grant {
  return typeof result !== 'string';
}

export function grantOf(result: Grant | ErrorCode): Grant {
  if (!isGrant(result)) assert.fail(`refused: ${result}`);
  return result;
}

/** The call throws `IdcError` with that code, and nothing was done. */
export function throwsCode(call: () => unknown, code: ErrorCode): void {
  assert.throws(
    call,
    (error) => error instanceof IdcError && error.code === code && error.execution === 'never',
    code,
  );
}

/** Memory that can be lent, and what was asked of it. */
export class FakeRegion implements SharedRegion {
  readonly bytes: Uint8Array = new Uint8Array(8192);
  readonly calls: string[] = [];
  fault: Fault | undefined = undefined;

  share(access: string): Fault | undefined {
    this.calls.push(`share ${access}`);
    return this.fault;
  }

  describe(): Uint8Array {
    return Uint8Array.of(1, 2, 3);
  }

  revoke(): void {
    this.calls.push('revoke');
  }

  release(): void {
    this.calls.push('release');
  }
}
