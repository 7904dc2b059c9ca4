import { printable, printableLines } from '../printable.ts';
import { EXAMPLES, type FaultCount, faults, number, timing } from './tally.ts';

/** What came of an import of positions. */
export interface PositionImportReport {
  rows: number;
  recorded: number;
  /** Fixes that were recorded otherwise, and are corrected now. */
  amended: number;
  repeated: number;
  /** Rows that the gateway refused, by refusal code. */
  readonly refused: Map<string, FaultCount>;
  /** Rows that are no positions and were not sent, by what is wrong with them. */
  readonly malformed: Map<string, FaultCount>;
  /** Readings that were left out of positions that were sent, by which and why. */
  readonly leftOut: Map<string, FaultCount>;
  /** Names of columns, or of fields of JSON, that are not read; not more than the first hundred. */
  readonly unread: Set<string>;
  /** Rows that were read but could not be sent. */
  unsent: number;
  vehicles: number;
  registered: number;
  /** Why vehicles could not be registered, by refusal code, with the plates. */
  readonly unregistered: Map<string, string[]>;
  /** The file could not be read to its end, and what could be read is sent. */
  damage?: string;
  /** Why the import ended before the file did. */
  stopped?: string;
  readonly startedAt: number;
}

export function newPositionReport(): PositionImportReport {
  return {
    rows: 0,
    recorded: 0,
    amended: 0,
    repeated: 0,
    refused: new Map(),
    malformed: new Map(),
    leftOut: new Map(),
    unread: new Set(),
    unsent: 0,
    vehicles: 0,
    registered: 0,
    unregistered: new Map(),
    startedAt: performance.now(),
  };
}

/** Names that are kept: a file may have made-up ones without end. */
const MAX_UNREAD = 100;
/** Names that are printed. */
const UNREAD_NAMED = 20;

/** Notes columns that are not read. */
export function noteUnread(report: PositionImportReport, names: readonly string[]): void {
  for (const name of names) if (report.unread.size < MAX_UNREAD) report.unread.add(name);
}

/** 0: every row is recorded, or amended. 1: not every row could be sent. 2: all were sent, but some were refused or malformed. */
export function exitCodeOfPositions(report: PositionImportReport): 0 | 1 | 2 {
  if (report.stopped !== undefined || report.damage !== undefined || report.unsent > 0) return 1;
  return report.refused.size > 0 || report.malformed.size > 0 ? 2 : 0;
}

/** The report as it is printed at the end. */
export function printedPositionReport(report: PositionImportReport): string {
  const lines = [
    `${number(report.rows)} rows read in ${timing(report.rows, report.startedAt)}`,
    `  recorded    ${number(report.recorded)}`,
    ...(report.amended > 0 ? [`  amended     ${number(report.amended)}`] : []),
    `  repeated    ${number(report.repeated)}`,
    ...faults('refused', report.refused),
    ...faults('malformed', report.malformed),
    ...(report.leftOut.size > 0 ? faults('left out', report.leftOut) : []),
    ...(report.unsent > 0 ? [`  not sent    ${number(report.unsent)}`] : []),
    `${number(report.vehicles)} vehicles, ${number(report.registered)} of them registered now`,
  ];
  for (const [code, plates] of report.unregistered)
    lines.push(`  not registered, ${code}: ${someOf(plates, EXAMPLES)}`);
  if (report.unread.size > 0) lines.push(`not read: ${someOf([...report.unread], UNREAD_NAMED)}`);
  if (report.damage !== undefined) lines.push(`${report.damage} What could be read of it is sent.`);
  if (report.stopped !== undefined)
    lines.push(`${report.stopped} Run it again: what is recorded is not recorded twice.`);
  return printableLines(lines.join('\n'));
}

function someOf(names: readonly string[], most: number): string {
  const shown = names.slice(0, most).map((name) => printable(name));
  return `${shown.join(', ')}${names.length > most ? ' …' : ''}`;
}
