import type { ObjectFieldBuilder } from '@pothos/core';
import { ActorRef } from '../audit/graphql.ts';
import { builder, type Types } from '../graphql/builder.ts';
import { encodeGlobalId } from '../graphql/global-id.ts';
import { STOP_KINDS } from './events.ts';
import { stopWith } from './plan.ts';
import type { TenderRow } from './projection.ts';
import {
  CONTRADICTIONS,
  type Judged,
  REPORT_MARKS,
  type ReportMark,
  STOP_REPORT_KINDS,
  type StopReport,
  type Told,
  type TransitException,
} from './report.ts';
import type { Stop } from './state.ts';

/** Whatever is shown of a tender's way leads to the rest of it: the row as the caller may see it. */
interface Shown {
  readonly row: TenderRow;
}

export const StopKindRef = builder.enumType('StopKind', {
  description: 'What happens at a stop.',
  values: STOP_KINDS,
});

const StopReportKindRef = builder.enumType('StopReportKind', {
  description: 'What was reported of a stop.',
  values: STOP_REPORT_KINDS,
});

const ReportMarkRef = builder.enumType('ReportMark', {
  description: 'What does not fit about a report. It is kept all the same.',
  values: Object.fromEntries(
    Object.entries(REPORT_MARKS).map(([mark, description]) => [mark, { description }]),
  ) as Record<ReportMark, { description: string }>,
});

/** A stop; where nothing is reported of the tender, it leads nowhere and is the row's own: it is not copied for nothing. */
type ShownStop = Stop & Partial<Shown>;

export const StopRef = builder.objectRef<ShownStop>('Stop');

StopRef.implement({
  description: 'A place on the way, and what became of it. Coordinates are WGS 84.',
  fields: (t) => ({
    sequence: t.exposeInt('sequence', { description: 'Its place on the way, from 1.' }),
    kind: t.expose('kind', { type: StopKindRef, description: 'What happens there.' }),
    name: t.exposeString('name', { description: 'For a person.' }),
    longitude: t.exposeFloat('longitude', { description: 'Degrees east, -180 to 180.' }),
    latitude: t.exposeFloat('latitude', { description: 'Degrees north, -90 to 90.' }),
    arriveFrom: t.expose('arriveFrom', {
      type: 'DateTime',
      nullable: true,
      description: 'The earliest planned arrival.',
    }),
    arriveBy: t.expose('arriveBy', {
      type: 'DateTime',
      nullable: true,
      description: 'The latest planned arrival.',
    }),
    arrivedAt: t.expose('arrivedAt', {
      type: 'DateTime',
      nullable: true,
      description:
        'When the vehicle arrived: of several reports the first counts. It stays when the load is amended or cancelled; when another ' +
        'vehicle takes over before the load has moved, it is empty until that one arrives.',
    }),
    departedAt: t.expose('departedAt', {
      type: 'DateTime',
      nullable: true,
      description:
        'When the vehicle left: of several reports the first that is not before the arrival counts.',
    }),
    reports: t.field({
      type: [StopReportRef],
      description: 'All that was reported of it, in the order in which it happened.',
      resolve: (stop) => (stop.row === undefined ? [] : shownOf(stop.row, reportsAt(stop))),
    }),
    contradictions: t.field({
      type: [ReportMarkRef],
      description: 'In which ways its reports contradict each other, or those of other stops.',
      resolve: (stop) => contradictionsOf(reportsAt(stop)),
    }),
  }),
});

/** The fields of whatever was told of a tender's way. @param stop how they name the stop that it is about */
function toldFields<R extends Told & Judged & Shown>(t: ObjectFieldBuilder<Types, R>, stop: string) {
  return {
    stopSequence: t.int({
      nullable: true,
      description: `${stop}, as it stands now; one that an amendment took away, as it stood last.`,
      resolve: sequenceOf,
    }),
    stopName: t.string({ nullable: true, description: 'Its name.', resolve: nameOf }),
    occurredAt: t.field({
      type: 'DateTime',
      description: 'When it happened, by whoever saw it.',
      resolve: ({ occurredAt }) => occurredAt,
    }),
    recordedAt: t.field({
      type: 'DateTime',
      description: 'When it was told, by the server.',
      resolve: ({ recordedAt }) => recordedAt,
    }),
    actor: t.field({ type: ActorRef, description: 'Who told it.', resolve: ({ actor }) => actor }),
    vehicleId: t.id({
      nullable: true,
      description: 'The global id of the vehicle that had the load when it happened.',
      resolve: vehicleIdOf,
    }),
    marks: t.field({
      type: [ReportMarkRef],
      description: 'What does not fit about it.',
      resolve: ({ marks }) => [...marks],
    }),
  };
}

export const StopReportRef = builder.objectRef<StopReport & Shown>('StopReport');

StopReportRef.implement({
  description: 'Somebody said that the load’s vehicle came to a stop, or left it.',
  fields: (t) => ({
    kind: t.expose('kind', { type: StopReportKindRef, description: 'Which of the two.' }),
    ...toldFields(t, 'The stop'),
    counts: t.exposeBoolean('counts', {
      description: 'True for the one that the stop’s `arrivedAt` or `departedAt` shows.',
    }),
  }),
});

export const TransitExceptionRef = builder.objectRef<TransitException & Shown>('TransitException').implement({
  description: 'Something that went wrong on the way.',
  fields: (t) => ({
    reasonCode: t.exposeString('reasonCode', { nullable: true, description: 'A value of ExceptionReason.' }),
    ...toldFields(t, 'The stop it concerns'),
    note: t.exposeString('note', { nullable: true, description: 'For a person.' }),
  }),
});

/** A tender's stops, as the fields above show them. */
export function stopsOf(row: TenderRow): readonly ShownStop[] {
  return row.reports === undefined ? row.stops : row.stops.map((stop) => ({ ...stop, row }));
}

function reportsAt({ id, row }: ShownStop): readonly StopReport[] {
  return row?.reports?.filter(({ stopId }) => stopId === id) ?? [];
}

/** What was reported of them. */
export function reportsOf(row: TenderRow): (StopReport & Shown)[] {
  return shownOf(row, row.reports ?? []);
}

function shownOf<R extends Judged>(row: TenderRow, reports: readonly R[]): (R & Shown)[] {
  return reports.map((report) => ({ ...report, row }));
}

/** What went wrong. */
export function exceptionsOf(row: TenderRow): (TransitException & Shown)[] {
  return shownOf(row, row.exceptions);
}

function stopOf({ stopId, row }: Judged & Shown): Stop | undefined {
  return stopWith(row, stopId);
}

function sequenceOf(report: Told & Judged & Shown): number | undefined {
  return stopOf(report)?.sequence ?? report.stopSequence;
}

function nameOf(report: Judged & Shown): string | undefined {
  return stopOf(report)?.name;
}

function vehicleIdOf({ vehicleId }: Judged): string | undefined {
  return vehicleId === undefined ? undefined : encodeGlobalId('Vehicle', vehicleId);
}

function contradictionsOf(reports: readonly Judged[]): ReportMark[] {
  const marks = new Set(reports.flatMap((report) => report.marks));
  return CONTRADICTIONS.filter((mark) => marks.has(mark));
}
