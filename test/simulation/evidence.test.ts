/** The ideal observer of one epoch: what may be said of a request, by the frames that were seen. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { errorTable } from '../../core/errors.js';
import type { Execution } from '../../core/index.js';
import {
  FlushOutcome,
  fragmentAbort,
  fragmentFirst,
  FrameType,
  headWord,
  replyIsError,
} from '../../core/frame.js';
import { Evidence } from './evidence.js';

function frame(words: readonly number[], extraBytes = 0): Uint8Array {
  const bytes = new Uint8Array(4 * words.length + extraBytes);
  bytes.set(new Uint8Array(Int32Array.from(words).buffer));
  return bytes;
}

const request = (sequence: number, ticket: number): Uint8Array =>
  frame([headWord(FrameType.Request, 0, 1), sequence, ticket]);
const reply = (ticket: number, flags = 0, code = 0): Uint8Array =>
  frame([headWord(FrameType.Reply, flags, 1), ticket, code]);

function classesOf(evidence: Evidence, count: number): Execution[] {
  return Array.from({ length: count }, (_, index) => evidence.classOf(index + 1));
}

describe('evidence', () => {
  it('committed and nothing heard is maybe; a reply is done, a refusing one never', () => {
    const evidence = new Evidence(1);
    for (const ordinal of [1, 2, 3]) assert.ok(evidence.committed(request(ordinal, ordinal + 10)));
    evidence.taken(reply(11));
    evidence.taken(reply(12, replyIsError, errorTable.UNSUPPORTED.wire));
    assert.deepEqual(classesOf(evidence, 3), ['done', 'never', 'maybe']);
    assert.equal(evidence.handledAtLeast, 2);
    assert.equal(evidence.neverFrom, 4);
  });

  it('a goodbye: what lies beyond is never', () => {
    const evidence = new Evidence(1);
    for (const ordinal of [1, 2, 3]) evidence.committed(request(ordinal, ordinal));
    evidence.taken(frame([headWord(FrameType.Goodbye, 0, 0), 1, 0]));
    assert.deepEqual(classesOf(evidence, 3), ['maybe', 'never', 'never']);
    assert.equal(evidence.neverFrom, 2);
  });

  it('a part of a request is never, and so is one that was taken back', () => {
    const evidence = new Evidence(1);
    const first = headWord(FrameType.Fragment, fragmentFirst, 1);
    const inner = headWord(FrameType.Request, 0, 1);
    assert.ok(evidence.committed(frame([first, 100, 0, inner, 1, 7], 20)));
    assert.deepEqual(classesOf(evidence, 1), ['never']);
    evidence.committed(frame([headWord(FrameType.Fragment, fragmentAbort, 1), 0, 0]));
    evidence.committed(request(2, 8));
    assert.deepEqual(classesOf(evidence, 2), ['never', 'maybe']);
    evidence.committed(frame([first, 100, 0, inner, 3, 9], 20));
    evidence.committed(frame([headWord(FrameType.Fragment, 0, 1), 100, 32], 68));
    assert.deepEqual(classesOf(evidence, 3), ['never', 'maybe', 'maybe']);
  });

  it('a flush that found the handler started shows that it was handled', () => {
    const evidence = new Evidence(1);
    evidence.committed(request(1, 4));
    evidence.taken(frame([headWord(FrameType.Flushed, FlushOutcome.Started, 1), 4]));
    assert.deepEqual(classesOf(evidence, 1), ['maybe']);
    assert.equal(evidence.handledAtLeast, 1);
  });

  it('the same sequence twice is told', () => {
    const evidence = new Evidence(1);
    assert.ok(evidence.committed(request(1, 4)));
    assert.ok(!evidence.committed(request(1, 5)));
  });
});
