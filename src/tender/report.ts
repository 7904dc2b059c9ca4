import type { Actor } from '../eventstore/event.ts';

/** What can be reported of a stop. */
export const STOP_REPORT_KINDS = ['ARRIVAL', 'DEPARTURE'] as const;
export type StopReportKind = (typeof STOP_REPORT_KINDS)[number];

/** What does not fit about a report. It is kept and shown all the same: who reads it can ask. */
export const REPORT_MARKS = {
  NO_VEHICLE: 'No vehicle was assigned to the load when it happened.',
  OTHER_VEHICLE:
    'It is about a vehicle that had the load before, and tells nothing of where the load is with the present one.',
  STOP_REMOVED: 'Its stop is not in the plan any more.',
  REPORTED_AGAIN:
    'The vehicle’s arrival at this stop, or its departure, was reported with another time, too; that one counts.',
  DEPARTED_BEFORE_ARRIVAL: 'By these times, the vehicle left the stop before it came.',
  OUT_OF_ORDER: 'By these times, the load was at a later stop of the plan before it left an earlier one.',
} as const satisfies Record<string, string>;
export type ReportMark = keyof typeof REPORT_MARKS;

/** Those of them by which reports contradict each other. */
export const CONTRADICTIONS = [
  'REPORTED_AGAIN',
  'DEPARTED_BEFORE_ARRIVAL',
  'OUT_OF_ORDER',
] as const satisfies readonly ReportMark[];

/** A report as it was told. */
export interface Told {
  /** The event's id as text. */
  readonly eventId: string;
  /** When it happened, by whoever saw it. */
  readonly occurredAt: Date;
  readonly recordedAt: Date;
  readonly actor: Actor;
  /** As it was told: from 1, in the plan that the teller had in mind. */
  readonly stopSequence?: number;
  /** Which stop that was. Reports of earlier versions do not say. */
  readonly meantStopId?: string;
}

/** What follows from a report and everything else that is known; found anew with every event that concerns it. */
export interface Judged {
  /** The stop that it is about; absent where no known plan has it. */
  readonly stopId?: string;
  /** Who had the load when it happened. */
  readonly carrierId?: string;
  readonly vehicleId?: string;
  /** What does not fit, in the order of `REPORT_MARKS`. */
  readonly marks: readonly ReportMark[];
}

/** An arrival or a departure. */
export interface StopReport extends Told, Judged {
  readonly kind: StopReportKind;
  /** True where the stop shows this one. */
  readonly counts: boolean;
}

/** Something that went wrong on the way. */
export interface TransitException extends Told, Judged {
  readonly reasonCode?: string;
  readonly note?: string;
}

/** How many stop reports a tender's row keeps, and how many exceptions: it must not grow without bound. */
export const MAX_REPORTS = 500;

/**
 * A list of reports with one more, in the order in which they happened. Of more than `MAX_REPORTS` the first and the last
 * are kept: so the list is the same in whatever order they were told, and where the load began and ended stays.
 */
export function withReport<R extends Told>(reports: readonly R[], report: R): readonly R[] {
  const all = [...reports, report].sort(inOrder);
  return all.length > MAX_REPORTS ? all.toSpliced(MAX_REPORTS / 2, 1) : all;
}

/** By when they happened; of one moment, by when they were told. */
function inOrder(one: Told, other: Told): number {
  return (
    one.occurredAt.getTime() - other.occurredAt.getTime() ||
    one.recordedAt.getTime() - other.recordedAt.getTime() ||
    (one.eventId < other.eventId ? -1 : 1)
  );
}
