/**
 * Loads the built code of the ring so that it runs step by step: its `Atomics` are replaced, and
 * its private fields are ordinary ones, so that the state of a side can be saved and put back. The
 * algorithm itself is what the build made of it, but for a fault that a test plants.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import vm from 'node:vm';
import ts from 'typescript';

import type * as readerModule from '../../transports/ring/ring-reader.js';
import type * as sleeperModule from '../../transports/ring/sleeper.js';
import type * as writerModule from '../../transports/ring/ring-writer.js';
import type { RingMemory } from '../../transports/ring/ring-layout.js';
import * as assertModule from '../../core/assert.js';
import * as transportModule from '../../core/transport.js';

/** One small wrong change of a built file of the ring. */
export interface RingFault {
  readonly name: string;
  readonly file: 'ring-writer.js' | 'ring-reader.js' | 'sleeper.js';
  /** Text that is in the file exactly once. */
  readonly replace: string;
  readonly by: string;
}

/** What the ring uses of `Atomics`. */
export interface StepAtomics {
  load(view: object, index: number): number;
  store(view: object, index: number, value: number): number;
}

export interface Ring {
  makeWriter(own: RingMemory, peer: RingMemory): writerModule.RingWriter;
  makeReader(peer: RingMemory, own: RingMemory): readerModule.RingReader;
  makeSleeper(own: RingMemory): sleeperModule.Sleeper;
}

type Run = (
  exports: object,
  require: (name: string) => object | undefined,
  atomics: StepAtomics,
) => void;

const folder = path.resolve(import.meta.dirname, '..', '..', 'transports', 'ring');

function readSource(file: string, fault: RingFault | undefined): string {
  const text = readFileSync(path.join(folder, file), 'utf8');
  if (fault?.file !== file) return text;
  const parts = text.split(fault.replace);
  if (parts.length !== 2) throw new Error(`${fault.name}: not once in ${file}: ${fault.replace}`);
  return parts.join(fault.by);
}

/** `#name` becomes `$name`: the same field, but one that can be read and written from outside. */
function openFields(text: string): string {
  return text.replace(/#(?=[a-z])/gi, '$$');
}

export function loadRing(atomics: StepAtomics, fault?: RingFault): Ring {
  const loaded = new Map<string, object>([
    ['../../core/assert.js', assertModule],
    ['../../core/transport.js', transportModule],
  ]);
  const load = (file: string): object => {
    const { outputText } = ts.transpileModule(openFields(readSource(file, fault)), {
      compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2023 },
    });
    const exports = {};
    // What a CommonJS module is, with its `Atomics` handed in.
    const run = vm.compileFunction(outputText, ['exports', 'require', 'Atomics']) as Run;
    run(exports, (name: string) => loaded.get(name), atomics);
    loaded.set(`./${file}`, exports);
    return exports;
  };
  load('ring-layout.js');
  // The file exports what its types say: it is the build's.
  const sleeper = load('sleeper.js') as typeof sleeperModule;
  // The file exports what its types say: it is the build's.
  const writer = load('ring-writer.js') as typeof writerModule;
  // The file exports what its types say: it is the build's.
  const reader = load('ring-reader.js') as typeof readerModule;
  return {
    makeWriter: (own, peer) => new writer.RingWriter(own, peer),
    makeReader: (peer, own) => new reader.RingReader(peer, own),
    makeSleeper: (own) => new sleeper.Sleeper(own),
  };
}
