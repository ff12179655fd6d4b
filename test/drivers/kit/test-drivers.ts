/** Drivers that the tests of the kit run: a counter, and registers that take time to change. */
import assert from 'node:assert/strict';
import { IdcError } from 'idc';
import {
  createBackEnd,
  createFrontEnd,
  createMemoryJournal,
  defineProtocol,
  DriverError,
  type FrontEnd,
  type Journal,
  type Protocol,
  type RecoveryOptions,
} from 'idc/drivers/kit';
import type { BackSite, DriverUnderTest, FrontSite } from 'idc/drivers/kit/testing';
import { RegisterHistory } from './register-history.js';

const counterSchema = {
  name: 'counter',
  version: 1,
  errors: { OVERFLOW: 1 },
  transactions: {
    add: { parameters: { amount: 'uint32' }, status: { total: 'uint53' }, effect: 'once' },
    read: { status: { total: 'uint53' }, effect: 'none' },
  },
  messages: { changed: { to: 'front', fields: { total: 'uint53' } } },
} as const;
export const counter: Protocol<typeof counterSchema> = defineProtocol(counterSchema);

export interface CounterMedium {
  readonly journal: Journal;
  total: number;
  /** What was added for certain, and what was asked for. */
  certain: number;
  asked: number;
}

/** Adding twice would be seen, and so would a number that was lost. */
export const counterDriver: DriverUnderTest<
  typeof counterSchema,
  FrontEnd<typeof counterSchema>,
  CounterMedium
> = {
  name: 'counter',
  protocol: counter,
  makeMedium: () => ({ journal: createMemoryJournal(), total: 0, certain: 0, asked: 0 }),
  startBackEnd: ({ domain, address, medium, runtime }: BackSite<CounterMedium>) => {
    const recovery = { kind: 'table', journal: medium.journal } as const;
    return createBackEnd(
      domain,
      address,
      counter,
      {
        add: ({ amount }) => {
          if (amount > 1_000_000) return counter.failure('OVERFLOW');
          medium.total += amount;
          return { total: medium.total };
        },
        read: () => ({ total: medium.total }),
      },
      { recovery, runtime },
    );
  },
  startFrontEnd: ({ domain, address, runtime }: FrontSite) =>
    createFrontEnd(domain, address, counter, { recover: true, timeoutMs: 120_000, runtime }),
  work: async (frontEnd, { medium, fraction }) => {
    const amount = 1 + Math.floor(fraction() * 9);
    medium.asked += amount;
    const { total } = await frontEnd.add({ amount });
    medium.certain += amount;
    assert.ok(total >= amount);
    if (fraction() < 0.2) assert.ok((await frontEnd.read()).total >= total);
  },
  invariant: ({ total, certain, asked }) => {
    assert.ok(total >= certain, `${total} of ${certain}: something was lost`);
    assert.ok(total <= asked, `${total} of ${asked}: something was added twice`);
  },
};

const registerSchema = {
  name: 'registers',
  version: 1,
  transactions: {
    write: {
      parameters: { place: 'uint8', count: 'uint8', value: 'uint32' },
      effect: 'idempotent',
      range: { from: 'place', length: 'count' },
    },
    read: { parameters: { place: 'uint8' }, status: { value: 'uint32' }, effect: 'none' },
  },
} as const;
export type RegisterSchema = typeof registerSchema;
export const registers: Protocol<RegisterSchema> = defineProtocol(registerSchema);

export interface RegisterMedium {
  readonly journal: Journal;
  readonly values: Map<number, number>;
  readonly histories: readonly RegisterHistory[];
}

const registerCount = 3;
const isNotWriter = (error: unknown): boolean =>
  error instanceof DriverError && error.failure === 'NOT_WRITER';
const isNever = (error: unknown): boolean => error instanceof IdcError && error.retrySafe;

/**
 * A change is in the register some time after it was asked for and some time before it is answered,
 * so that a back end can die on either side of it.
 */
export function makeRegisterDriver(
  recovery: (medium: RegisterMedium) => RecoveryOptions,
  frontEnds: number,
): DriverUnderTest<RegisterSchema, FrontEnd<RegisterSchema>, RegisterMedium> {
  return {
    name: `registers, ${frontEnds} front ends`,
    protocol: registers,
    frontEnds,
    makeMedium: () => ({
      journal: createMemoryJournal(),
      values: new Map(),
      histories: Array.from({ length: registerCount }, () => new RegisterHistory()),
    }),
    startBackEnd: ({ domain, address, medium, runtime }: BackSite<RegisterMedium>) => {
      const later = (): Promise<void> =>
        new Promise((resolve) => {
          runtime.scheduler.after(1 + 3 * runtime.prng.fraction(), resolve);
        });
      const handlers = {
        write: async ({ place, value }: { readonly place: number; readonly value: number }) => {
          await later();
          medium.values.set(place, value);
          await later();
        },
        read: ({ place }: { readonly place: number }) => ({
          value: medium.values.get(place) ?? 0,
        }),
      };
      const options = { recovery: recovery(medium), runtime };
      return createBackEnd(domain, address, registers, handlers, options);
    },
    startFrontEnd: ({ domain, address, runtime }: FrontSite) =>
      createFrontEnd(domain, address, registers, { recover: true, timeoutMs: 120_000, runtime }),
    work: async (frontEnd, { medium, fraction, pause }) => {
      const place = Math.floor(fraction() * registerCount);
      const history = medium.histories[place];
      assert(history !== undefined);
      const write = history.write((value) => frontEnd.write({ place, count: 1, value }), isNever);
      const read = history.read(async () => (await frontEnd.read({ place })).value);
      const results = await Promise.allSettled([write, read]);
      for (const result of results) {
        if (result.status === 'fulfilled') continue;
        // A front end that died has the lease for a while.
        if (!isNotWriter(result.reason)) throw result.reason;
        await pause(100);
      }
    },
    check: ({ histories }) => {
      for (const history of histories) assert.equal(history.problem(), undefined);
    },
  };
}
