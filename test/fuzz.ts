import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, inject, it } from 'vitest';

declare module 'vitest' {
  export interface ProvidedContext {
    /** How long the properties of one file are tried, in milliseconds; 0 where each is tried its own number of times. */
    fuzzMsPerFile: number;
  }
}

/** How a property is tried. */
export interface Trial<T> extends Pick<fc.Parameters<T>, 'endOnFailure' | 'examples'> {
  /** So many random values in an ordinary run of the tests; by `npm run fuzz` as many again and again, until time is over. */
  readonly numRuns: number;
}

/** By then a failure is told as small as it has become: a test that is ended for its length tells no seed. */
const SMALL_ENOUGH_MS = 200_000;

/** What a failure printed, to try just that again. */
const SEED = process.env.WAYBILL_FUZZ_SEED;
const PATH = process.env.WAYBILL_FUZZ_PATH;

/** The properties of the file that have not begun yet, and when its time is over. */
let waiting = 0;
let fileEndsAt: number | undefined;

/**
 * A test that a rule holds for random values. `npm run fuzz` finds every file that uses this, and shares its time among them.
 * @param property made when the test begins, so that it may use what `beforeAll` has opened
 * @param afterwards looks at what all of them together came to
 */
export function itHolds<T>(
  rule: string,
  trial: Trial<T>,
  property: () => fc.IRawProperty<T>,
  afterwards?: () => void | Promise<void>,
): void {
  waiting += 1;
  fileEndsAt = undefined;
  it(rule, { tags: ['property'] }, async () => {
    const ms = inject('fuzzMsPerFile');
    fileEndsAt ??= performance.now() + ms;
    // What one leaves over, those after it have.
    const endsAt = performance.now() + (fileEndsAt - performance.now()) / waiting;
    waiting -= 1;
    const made = property();
    let runs = 0;
    do {
      runs += await tryOnce(made, trial);
      await turn();
    } while (performance.now() < endsAt && SEED === undefined);
    if (ms > 0) console.log(`${runs.toLocaleString('en')} random values: ${rule}`);
    if (SEED === undefined) await afterwards?.();
  });
}

/** @throws with the smallest value found for which the property does not hold, and how to try it again */
async function tryOnce<T>(property: fc.IRawProperty<T>, trial: Trial<T>): Promise<number> {
  const again =
    SEED === undefined ? {} : { seed: Number(SEED), ...(PATH === undefined ? {} : { path: PATH }) };
  const details = await fc.check(property, { interruptAfterTimeLimit: SMALL_ENOUGH_MS, ...trial, ...again });
  if (!details.failed) return details.numRuns;
  const { testPath = '', currentTestName = '' } = expect.getState();
  const file = testPath.slice(testPath.lastIndexOf('/test/') + 1);
  const name = currentTestName.replace(/ > /g, ' ').replace(/[^\w ]/g, '.');
  const how = `WAYBILL_FUZZ_SEED=${details.seed} WAYBILL_FUZZ_PATH=${details.counterexamplePath} npx vitest run --config test/vitest.config.ts ${file} -t '${name}'`;
  throw new Error(`${await fc.asyncDefaultReportMessage(details)}\n\nTo try it again:\n  ${how}`, {
    cause: details.errorInstance,
  });
}
