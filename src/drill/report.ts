/** What a drill says, and what it comes to. */
export interface DrillReport {
  /** A line of what was done. */
  say(what: string): void;
  /** Does a piece of work and says how long it took; the work gives the words. */
  timed<T>(work: () => Promise<T>, words: (result: T, seconds: number) => string): Promise<T>;
  /** Something is not as it must be: the drill has failed, and goes on. */
  problem(what: string): void;
  /** Prints the verdict. @returns the exit code */
  verdict(): number;
  /** Prints that there is none. @returns the exit code */
  stopped(): number;
}

/** Problems that are printed; the others are counted. */
const NAMED = 20;
const MIB = 1_048_576;

/** @param print takes a line */
export function openDrillReport(print: (line: string) => void): DrillReport {
  const began = performance.now();
  const problems: string[] = [];
  const elapsed = (): string => `${secondsSince(began).toFixed(1)} s`;
  return {
    say: (what) => print(`  ${what}`),
    async timed(work, words) {
      const start = performance.now();
      const result = await work();
      const seconds = secondsSince(start);
      print(`  ${words(result, seconds)} in ${seconds.toFixed(1)} s`);
      return result;
    },
    problem(what) {
      if (problems.length < NAMED) print(`  NOT RIGHT: ${what}`);
      problems.push(what);
    },
    verdict() {
      const [first, ...others] = problems;
      const more = others.length === 0 ? '' : ` And ${count(others.length)} more.`;
      print(first === undefined ? `PASSED in ${elapsed()}` : `FAILED: ${first}${more} (${elapsed()})`);
      return first === undefined ? 0 : 1;
    },
    stopped() {
      print(`FAILED: stopped after ${elapsed()}; the database is dropped`);
      return 1;
    },
  };
}

/** A number as people read it: 1,000,000. */
export function count(number: number): string {
  return Math.round(number).toLocaleString('en');
}

/** Bytes in MiB. */
export function mib(bytes: number): string {
  return (bytes / MIB).toFixed(0);
}

/** So many a second. */
export function rate(number: number, seconds: number): string {
  return `${count(number / Math.max(seconds, 0.001))} a second`;
}

function secondsSince(start: number): number {
  return (performance.now() - start) / 1_000;
}
