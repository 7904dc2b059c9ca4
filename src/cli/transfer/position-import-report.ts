/** How many lines of each kind of fault the report names. */
const EXAMPLES = 5;

/** Rows of one fault: how many, and the first few lines. */
export interface Tally {
  count: number;
  readonly lines: number[];
}

/** What came of an import. */
export interface ImportReport {
  rows: number;
  recorded: number;
  repeated: number;
  /** Rows that the gateway refused, by refusal code. */
  readonly refused: Map<string, Tally>;
  /** Rows that are no positions and were not sent, by what is wrong with them. */
  readonly malformed: Map<string, Tally>;
  /** Rows that were read but could not be sent. */
  unsent: number;
  vehicles: number;
  registered: number;
  /** Why vehicles could not be registered, by refusal code, with the plates. */
  readonly unregistered: Map<string, string[]>;
  /** Why the import ended before the file did. */
  stopped?: string;
  readonly startedAt: number;
}

export function newReport(): ImportReport {
  return {
    rows: 0,
    recorded: 0,
    repeated: 0,
    refused: new Map(),
    malformed: new Map(),
    unsent: 0,
    vehicles: 0,
    registered: 0,
    unregistered: new Map(),
    startedAt: performance.now(),
  };
}

/** Counts a row under its fault. */
export function tally(tallies: Map<string, Tally>, fault: string, line: number): void {
  const entry = tallies.get(fault) ?? { count: 0, lines: [] };
  entry.count += 1;
  if (entry.lines.length < EXAMPLES) entry.lines.push(line);
  tallies.set(fault, entry);
}

function total(tallies: ReadonlyMap<string, Tally>): number {
  return [...tallies.values()].reduce((sum, { count }) => sum + count, 0);
}

/** 0: every row is recorded. 1: not every row could be sent. 2: all were sent, but some were refused or malformed. */
export function exitCodeOf(report: ImportReport): 0 | 1 | 2 {
  if (report.stopped !== undefined || report.unsent > 0) return 1;
  return report.refused.size > 0 || report.malformed.size > 0 ? 2 : 0;
}

/** A count with separators between thousands. */
export function number(value: number): string {
  return value.toLocaleString('en-US');
}

/** Lines that tell of each fault how often it was, and where. */
export function faults(title: string, tallies: ReadonlyMap<string, Tally>): string[] {
  const lines = [...tallies].map(([fault, { count, lines: examples }]) => {
    const more = count > examples.length ? ' …' : '';
    return `    ${fault}: ${number(count)} (line ${examples.join(', ')}${more})`;
  });
  return [`  ${title.padEnd(11)} ${number(total(tallies))}`, ...lines];
}

/** The report as it is printed at the end. */
export function printedReport(report: ImportReport): string {
  const seconds = (performance.now() - report.startedAt) / 1000;
  const perSecond = Math.round(report.rows / Math.max(seconds, 0.001));
  const lines = [
    `${number(report.rows)} rows read in ${seconds.toFixed(1)} s (${number(perSecond)} a second)`,
    `  recorded    ${number(report.recorded)}`,
    `  repeated    ${number(report.repeated)}`,
    ...faults('refused', report.refused),
    ...faults('malformed', report.malformed),
    ...(report.unsent > 0 ? [`  not sent    ${number(report.unsent)}`] : []),
    `${number(report.vehicles)} vehicles, ${number(report.registered)} of them registered now`,
  ];
  for (const [code, plates] of report.unregistered)
    lines.push(
      `  not registered, ${code}: ${plates.slice(0, EXAMPLES).join(', ')}${plates.length > EXAMPLES ? ' …' : ''}`,
    );
  if (report.stopped !== undefined)
    lines.push(`${report.stopped} Run it again: what is recorded is not recorded twice.`);
  return lines.join('\n');
}
