/**
 * PrivateTree: a copy of the built project in a temporary folder, in which one file at a time is
 * replaced by a faulty one. What is not built is linked, not copied.
 */
import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { repositoryRoot } from '../source-paths.js';
import { plant, type PlantedFault } from './planted-fault.js';
import { transpile } from './transpile.js';

const notLinked = new Set(['dist', '.git', 'coverage', 'temp']);

export class PrivateTree {
  readonly root: string;

  constructor() {
    this.root = mkdtempSync(path.join(tmpdir(), 'idc-planted-'));
    for (const name of readdirSync(repositoryRoot)) {
      if (notLinked.has(name)) continue;
      symlinkSync(path.join(repositoryRoot, name), path.join(this.root, name));
    }
    cpSync(path.join(repositoryRoot, 'dist'), path.join(this.root, 'dist'), { recursive: true });
  }

  /** Runs `task` while the tree has the fault. */
  async withFault<T>(fault: PlantedFault, task: () => Promise<T>): Promise<T> {
    const source = readFileSync(path.join(repositoryRoot, fault.file), 'utf8');
    const faulty = transpile(fault.file, plant(fault, source));
    const built = path.join(this.root, 'dist', fault.file.replace(/[.]ts$/, '.js'));
    const sound = readFileSync(built);
    writeFileSync(built, faulty);
    try {
      return await task();
    } finally {
      writeFileSync(built, sound);
    }
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
