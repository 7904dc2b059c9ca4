import { EXAMPLES, type FaultCount, faults, number, timing } from './tally.ts';

/** What came of an import of positions. */
export interface PositionImportReport {
  rows: number;
  recorded: number;
  repeated: number;
  /** Rows that the gateway refused, by refusal code. */
  readonly refused: Map<string, FaultCount>;
  /** Rows that are no positions and were not sent, by what is wrong with them. */
  readonly malformed: Map<string, FaultCount>;
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

export function newPositionReport(): PositionImportReport {
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

/** 0: every row is recorded. 1: not every row could be sent. 2: all were sent, but some were refused or malformed. */
export function exitCodeOfPositions(report: PositionImportReport): 0 | 1 | 2 {
  if (report.stopped !== undefined || report.unsent > 0) return 1;
  return report.refused.size > 0 || report.malformed.size > 0 ? 2 : 0;
}

/** The report as it is printed at the end. */
export function printedPositionReport(report: PositionImportReport): string {
  const lines = [
    `${number(report.rows)} rows read in ${timing(report.rows, report.startedAt)}`,
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
