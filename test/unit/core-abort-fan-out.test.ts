/** One listener for each signal, however many transactions hang on it. */
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { describe, test } from 'node:test';
import { AbortFanOut } from '../../core/abort-fan-out.js';

describe('AbortFanOut', () => {
  test('one signal has one listener, and everybody on it is called once', () => {
    const fanOut = new AbortFanOut();
    const controller = new AbortController();
    const called: number[] = [];
    for (let index = 0; index < 20; index++) {
      fanOut.add(controller.signal, () => called.push(index));
    }
    assert.equal(getEventListeners(controller.signal, 'abort').length, 1);
    controller.abort();
    assert.deepEqual(called, [...Array(20).keys()]);
    assert.equal(getEventListeners(controller.signal, 'abort').length, 0);
  });

  test('a settled transaction is not called, and the last one takes the listener along', () => {
    const fanOut = new AbortFanOut();
    const controller = new AbortController();
    const called: string[] = [];
    const forget = fanOut.add(controller.signal, () => called.push('settled'));
    const forgetOther = fanOut.add(controller.signal, () => called.push('other'));
    forget();
    assert.equal(getEventListeners(controller.signal, 'abort').length, 1);
    forgetOther();
    assert.equal(getEventListeners(controller.signal, 'abort').length, 0);
    controller.abort();
    assert.deepEqual(called, []);
  });

  test('a signal that was forgotten can be used again', () => {
    const fanOut = new AbortFanOut();
    const controller = new AbortController();
    let calls = 0;
    fanOut.add(controller.signal, () => undefined)();
    fanOut.add(controller.signal, () => calls++);
    controller.abort();
    assert.equal(calls, 1);
  });
});
