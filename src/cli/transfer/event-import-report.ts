import type { StreamWithHoles } from '../../eventstore/log/holes.ts';
import type { CaughtUp } from '../../eventstore/projection/catch-up.ts';
import { printable, printableLines } from '../printable.ts';
import { type FaultCount, faults, number, tally, timing } from './tally.ts';

/** Refused lines that the report explains one by one. */
const EXPLAINED = 20;

/** What came of an import of events. */
export interface EventImportReport {
  /** Lines with events. */
  lines: number;
  recorded: number;
  repeated: number;
  /** By reason, with the first few lines of each. */
  readonly refused: Map<string, FaultCount>;
  /** Some of the first refused lines. */
  readonly explained: { readonly line: number; readonly message: string }[];
  readonly tenantIds: Set<string>;
  /** The file is not as it was written, but was to be read all the same. */
  damage?: string;
  /** Why the import ended before the file did. */
  stopped?: string;
  caughtUp: readonly CaughtUp[];
  holes: readonly StreamWithHoles[];
  readonly dryRun: boolean;
  readonly startedAt: number;
}

export function newEventReport(dryRun: boolean): EventImportReport {
  return {
    lines: 0,
    recorded: 0,
    repeated: 0,
    refused: new Map(),
    explained: [],
    tenantIds: new Set(),
    caughtUp: [],
    holes: [],
    dryRun,
    startedAt: performance.now(),
  };
}

/** Counts a line that is not recorded. */
export function countRefused(report: EventImportReport, line: number, reason: string, message: string): void {
  tally(report.refused, reason, line);
  if (report.explained.length < EXPLAINED) report.explained.push({ line, message });
}

/**
 * 0: every event is in the log, and every row level with it. 1: not every line could be read or recorded. 2: all were read,
 * but some were refused, or something is left behind.
 */
export function exitCodeOfEvents(report: EventImportReport): 0 | 1 | 2 {
  if (report.stopped !== undefined || report.damage !== undefined) return 1;
  const isLeft = report.caughtUp.some(({ complete, poisoned }) => !complete || poisoned > 0);
  return report.refused.size > 0 || report.holes.length > 0 || isLeft ? 2 : 0;
}

/** The report as it is printed at the end. */
export function printedEventReport(report: EventImportReport): string {
  const recorded = report.dryRun ? 'to record' : 'recorded';
  const lines = [
    `${number(report.lines)} events read in ${timing(report.lines, report.startedAt)}`,
    `  ${recorded.padEnd(11)} ${number(report.recorded)}`,
    `  repeated    ${number(report.repeated)}`,
    ...faults('refused', report.refused),
    ...[...report.explained]
      .sort((a, b) => a.line - b.line)
      .map(({ line, message }) => `  line ${line}: ${printable(message, 1_000)}`),
    ...report.caughtUp.map(caughtUpLine),
    ...report.holes.map(holesLine),
  ];
  if (report.damage !== undefined) lines.push(`${report.damage} What could be read of it is recorded.`);
  if (report.stopped !== undefined)
    lines.push(`${report.stopped} Run it again: what is recorded is not recorded twice.`);
  return printableLines(lines.join('\n'));
}

function caughtUpLine({ projection, rows, poisoned, complete }: CaughtUp): string {
  const written = rows === undefined ? '' : `, ${number(rows)} rows written`;
  const left = poisoned > 0 ? `, ${number(poisoned)} rows cannot be folded on: the log says why` : '';
  return complete
    ? `${projection} is level with the log${written}${left}`
    : `${projection} is not level with the log yet, and its projector makes no progress${left}`;
}

function holesLine({ tenantId, aggregateType, aggregateId, last, events }: StreamWithHoles): string {
  return `${aggregateType} ${aggregateId} of ${tenantId} has ${number(events)} events, but its last is number ${number(last)}`;
}
