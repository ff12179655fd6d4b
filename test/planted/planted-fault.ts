/**
 * A planted fault: one small wrong change of the source, of the kind that a tired engineer makes,
 * which some test has to notice. Faults are data; this file says what they are made of.
 */
export interface PlantedFault {
  /** In kebab-case, and no other fault's. */
  readonly name: string;
  /** The law, invariant or rule of the design that no longer holds. */
  readonly breaks: string;
  /** Path from the root of the source that is changed. */
  readonly file: string;
  /** Text that is in the source exactly once. */
  readonly replace: string;
  readonly by: string;
  /** Catchers in the order to try; see `catcher.ts` for their form. */
  readonly caughtBy: readonly string[];
}

/** The source with the fault in it. Throws if the text to replace is not there exactly once. */
export function plant(fault: PlantedFault, source: string): string {
  const [before, after, ...others] = source.split(fault.replace);
  if (before === undefined || after === undefined || others.length > 0) {
    const count = source.split(fault.replace).length - 1;
    throw new Error(
      `${fault.name}: the text to replace is ${count} times in ${fault.file}, not once:\n` +
        fault.replace,
    );
  }
  return before + fault.by + after;
}
