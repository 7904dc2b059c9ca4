/** How many lines of each kind of fault the report names. */
export const EXAMPLES = 5;

/** Lines with one fault: how many, and the first few of them. */
export interface FaultCount {
  count: number;
  readonly lines: number[];
}

/** Counts a line under its fault. */
export function tally(tallies: Map<string, FaultCount>, fault: string, line: number): void {
  const entry = tallies.get(fault) ?? { count: 0, lines: [] };
  entry.count += 1;
  if (entry.lines.length < EXAMPLES) entry.lines.push(line);
  tallies.set(fault, entry);
}

/** A count with separators between thousands. */
export function number(value: number): string {
  return value.toLocaleString('en-US');
}

/** Lines to print: for each fault how often it occurred, and where. */
export function faults(title: string, tallies: ReadonlyMap<string, FaultCount>): string[] {
  const lines = [...tallies].map(([fault, { count, lines: examples }]) => {
    const more = count > examples.length ? ' …' : '';
    return `    ${fault}: ${number(count)} (line ${examples.join(', ')}${more})`;
  });
  return [`  ${title.padEnd(11)} ${number(total(tallies))}`, ...lines];
}

/** How long something took, and how many a second that makes. @param startedAt by `performance.now()` */
export function timing(count: number, startedAt: number): string {
  const seconds = (performance.now() - startedAt) / 1_000;
  const perSecond = Math.round(count / Math.max(seconds, 0.001));
  return `${seconds.toFixed(1)} s (${number(perSecond)} a second)`;
}

function total(tallies: ReadonlyMap<string, FaultCount>): number {
  return [...tallies.values()].reduce((sum, { count }) => sum + count, 0);
}
