/** Options outside their range are the caller's error, told before anything is made. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  createDomain,
  IdcAssertionError,
  type Domain,
  type DomainOptions,
  type Quota,
  type TimeLimits,
} from 'idc';
import { createMemoryNetwork, memory } from 'idc/memory';

const address = 'memory://nobody/service';
const itemBytesMax = 64 * 1024 * 1024;
const quotaRanges: Readonly<Record<keyof Quota, readonly [number, number]>> = {
  messages: [1, 65_536],
  messageBytes: [0, itemBytesMax],
  transactions: [1, 65_536],
  parameterBytes: [0, itemBytesMax],
  statusBytes: [0, itemBytesMax],
};
const limitNames = Object.keys({
  handshakeMs: 0,
  lingerMs: 0,
  keepAliveMs: 0,
  flushMs: 0,
  drainMs: 0,
  timeoutMs: 0,
  fenceMs: 0,
  dialMinMs: 0,
  dialMaxMs: 0,
} satisfies Record<keyof TimeLimits, number>);

function create(options: Partial<DomainOptions> = {}): Domain {
  const transports = [memory({ network: createMemoryNetwork() })];
  return createDomain({ name: 'one', transports, ...options });
}

function refuses(call: () => unknown): void {
  assert.throws(
    call,
    (error) => error instanceof IdcAssertionError && error.code === 'BAD_ARGUMENT',
  );
}

/** Every way to choose a quota and limits refuses this one, and leaves nothing behind. */
function refusesEverywhere(options: Pick<DomainOptions, 'quota' | 'limits'>): void {
  refuses(() => create(options));
  const domain = create();
  refuses(() => domain.createEndpoint(address, {}, options));
  refuses(() => domain.listen(address, () => ({}), options));
  assert.deepEqual(domain.statistics(), { endpoints: 0, listeners: 0, timersArmed: 0 });
}

describe('a quota', () => {
  for (const [field, [least, most]] of Object.entries(quotaRanges)) {
    it(`${field} is a whole number from ${least} to ${most}`, () => {
      for (const value of [least - 1, most + 1, least + 0.5, NaN, Infinity, -Infinity]) {
        refusesEverywhere({ quota: { [field]: value } });
      }
      const others = { messages: 1, messageBytes: 0, transactions: 1, parameterBytes: 0 };
      const small = { ...others, statusBytes: 0 };
      for (const value of [least, most]) create({ quota: { ...small, [field]: value } });
    });
  }

  it('takes at most 1 GiB altogether', () => {
    const least = { transactions: 1, parameterBytes: 0, statusBytes: 0 };
    create({ quota: { ...least, messages: 16, messageBytes: itemBytesMax } });
    refusesEverywhere({ quota: { ...least, messages: 17, messageBytes: itemBytesMax } });
    refusesEverywhere({ quota: { transactions: 65_536, parameterBytes: 16_384 } });
  });

  it('is checked after the endpoint’s was laid over the domain’s', () => {
    const domain = create({ quota: { messages: 1024 } });
    refuses(() => domain.createEndpoint(address, {}, { quota: { messageBytes: itemBytesMax } }));
  });
});

describe('limits', () => {
  for (const name of limitNames) {
    it(`${name} is a number of milliseconds from 0 on`, () => {
      for (const value of [-1, NaN, -Infinity]) refusesEverywhere({ limits: { [name]: value } });
      create({ limits: { [name]: 0 } });
      if (name === 'timeoutMs') create({ limits: { [name]: Infinity } });
      else refusesEverywhere({ limits: { [name]: Infinity } });
    });
  }

  it('a time limit outside of them is no other: adaptiveMs, forgetMs, drainMs', async () => {
    const domain = create();
    const endpoint = domain.createEndpoint(address, {});
    const listener = domain.listen(address, () => ({}));
    for (const value of [-1, NaN, Infinity]) {
      refuses(() => create({ adaptiveMs: value }));
      refuses(() => domain.listen(address, () => ({}), { forgetMs: value }));
      refuses(() => void endpoint.destroy({ drainMs: value }));
      refuses(() => void listener.close({ drainMs: value }));
      refuses(() => void domain.close({ drainMs: value }));
    }
    await domain.close();
  });

  it('peersMax is a whole number from 1 on', () => {
    const domain = create();
    for (const value of [0, -1, 1.5, NaN, Infinity]) {
      refuses(() => domain.listen(address, () => ({}), { peersMax: value }));
    }
  });
});

describe('an identity', () => {
  it('names take 64 bytes of UTF-8 and not one more', async () => {
    for (const name of ['a'.repeat(64), 'ü'.repeat(32), '\u{1f600}'.repeat(16), '']) {
      const domain = create({ name });
      assert.equal(domain.createEndpoint(address, {}, { name }).name, name);
      await domain.close();
    }
    for (const name of ['a'.repeat(65), `${'ü'.repeat(32)}a`, '\u{1f600}'.repeat(17)]) {
      refuses(() => create({ name }));
      refuses(() => create().createEndpoint(address, {}, { name }));
    }
  });

  it('a domain id has 16 bytes', () => {
    for (const byteLength of [0, 15, 17]) refuses(() => create({ id: new Uint8Array(byteLength) }));
    assert.equal(create({ id: new Uint8Array(16).fill(255) }).id, 'f'.repeat(32));
  });
});

describe('a closed domain', () => {
  it('makes no endpoint and no listener', async () => {
    const domain = create();
    const closed = domain.close();
    refuses(() => domain.createEndpoint(address, {}));
    refuses(() => domain.listen(address, () => ({})));
    await closed;
    refuses(() => domain.createEndpoint(address, {}));
    refuses(() => domain.listen(address, () => ({})));
  });
});
