import { CLOCK_SKEW_MS } from '../eventstore/aggregate.ts';
import { type Custody, carriageOf, custodyAt } from './custody.ts';
import { stopMeant } from './plan.ts';
import { type Judged, REPORT_MARKS, type ReportMark, type StopReport, type Told } from './report.ts';
import type { Load, Stop } from './state.ts';

// What the reports of a load come to, given what was decided. It follows from the two alone: in whatever order reports
// came in, beside each other and beside decisions, the result is the same.

/** The load with its reports judged, and its stops as these show them. */
export interface Judgement {
  readonly load: Load;
  /** True where the vehicle that has the load, or had it last, left a stop with it. */
  readonly isMoving: boolean;
}

/** A report, and what was decided that concerns it. */
interface Fact<R extends Told & Judged = StopReport> {
  readonly report: R;
  readonly at: number;
  readonly stopId: string | undefined;
  /** Who had the load then: the carrier, and the stretch with a vehicle. */
  readonly carrierId: string | undefined;
  readonly custody: Custody | undefined;
  readonly marks: ReportMark[];
  /** Whether its stop shows it. */
  counts: boolean;
}

/**
 * Judges each report by when it happened. Of several arrivals at a stop the first counts, by the time of who saw it; of several
 * departures the first that is not before that arrival.
 */
export function judged(load: Load): Judgement {
  if (load.reports.length === 0 && load.exceptions.length === 0) return { load, isMoving: false };
  const vehicles = load.custodies.filter(({ vehicleId }) => vehicleId !== undefined);
  const facts = load.reports.map((report) => factOf(load, vehicles, report));
  const exceptions = load.exceptions.map((report) => factOf(load, vehicles, report));
  const moved = new Set<Custody | undefined>();
  for (const { report, custody } of facts) if (report.kind === 'DEPARTURE') moved.add(custody);
  const carriage = carriageOf(load.custodies, moved);
  const current: Fact[] = [];
  for (const fact of facts) {
    if (fact.custody === undefined) continue;
    if (carriage.includes(fact.custody)) current.push(fact);
    else fact.marks.push('OTHER_VEHICLE');
  }
  for (const { custody, marks } of exceptions)
    if (custody !== undefined && !carriage.includes(custody)) marks.push('OTHER_VEHICLE');
  const visits = visitsOf(current);
  if (visits.size > 1) markOrder(load.stops.map(({ id }) => countedOf(visits.get(id))));
  return {
    load: {
      ...load,
      stops: load.stops.map((stop) => asVisited(stop, visits.get(stop.id))),
      formerStops: load.formerStops.map((stop) => asVisited(stop, visits.get(stop.id))),
      reports: facts.map((fact) => {
        const report = verdictOn(fact);
        return report.counts === fact.counts ? report : { ...report, counts: fact.counts };
      }),
      exceptions: exceptions.map(verdictOn),
    },
    isMoving: current.some(({ report }) => report.kind === 'DEPARTURE'),
  };
}

function factOf<R extends Told & Judged>(load: Load, vehicles: readonly Custody[], report: R): Fact<R> {
  const { occurredAt, meantStopId, stopSequence } = report;
  const marks: ReportMark[] = [];
  const stopId =
    meantStopId ?? (stopSequence === undefined ? undefined : stopMeant(load, stopSequence, occurredAt)?.id);
  const custody = custodyAt(vehicles, occurredAt);
  if (custody === undefined) marks.push('NO_VEHICLE');
  if (load.formerStops.some(({ id }) => id === stopId)) marks.push('STOP_REMOVED');
  const carrierId = (custody ?? custodyAt(load.custodies, occurredAt))?.carrierId;
  return { report, at: occurredAt.getTime(), stopId, carrierId, custody, marks, counts: false };
}

/** The report as it was told, with what was found about it this time; itself where that is what was found before. */
function verdictOn<R extends Told & Judged>({ report, stopId, carrierId, custody, marks }: Fact<R>): R {
  const vehicleId = custody?.vehicleId;
  const isAsBefore =
    report.stopId === stopId &&
    report.carrierId === carrierId &&
    report.vehicleId === vehicleId &&
    report.marks.length === marks.length &&
    report.marks.every((mark) => marks.includes(mark));
  if (isAsBefore) return report;
  const verdict: { -readonly [Field in keyof R]: R[Field] } = { ...report };
  verdict.marks = marks.length < 2 ? marks : MARKS.filter((mark) => marks.includes(mark));
  if (stopId === undefined) delete verdict.stopId;
  else verdict.stopId = stopId;
  if (carrierId === undefined) delete verdict.carrierId;
  else verdict.carrierId = carrierId;
  if (vehicleId === undefined) delete verdict.vehicleId;
  else verdict.vehicleId = vehicleId;
  return verdict;
}

const MARKS = Object.keys(REPORT_MARKS) as ReportMark[];

/** The reports of one stop that count. */
interface Visit {
  readonly arrival: Fact | undefined;
  readonly departure: Fact | undefined;
}

function visitsOf(facts: readonly Fact[]): ReadonlyMap<string | undefined, Visit> {
  const byStop = new Map<string | undefined, Fact[]>();
  for (const fact of facts) {
    const ofStop = byStop.get(fact.stopId);
    if (ofStop === undefined) byStop.set(fact.stopId, [fact]);
    else ofStop.push(fact);
  }
  const visits = new Map<string | undefined, Visit>();
  for (const [stopId, ofStop] of byStop) visits.set(stopId, visitOf(ofStop));
  return visits;
}

/** Finds which reports of a stop count, and marks what contradicts these. */
function visitOf(facts: readonly Fact[]): Visit {
  const arrivals = facts.filter(({ report }) => report.kind === 'ARRIVAL');
  const departures = facts.filter(({ report }) => report.kind === 'DEPARTURE');
  const [arrival] = arrivals;
  const isBefore = (departure: Fact): boolean =>
    arrival !== undefined && departure.at < arrival.at - CLOCK_SKEW_MS;
  const departure = departures.find((each) => !isBefore(each)) ?? departures[0];
  for (const each of departures) {
    if (arrival === undefined || !isBefore(each) || !isOfOneVehicle(each, arrival)) continue;
    each.marks.push('DEPARTED_BEFORE_ARRIVAL');
    if (each === departure) arrival.marks.push('DEPARTED_BEFORE_ARRIVAL');
  }
  markOthers(arrivals, arrival);
  markOthers(departures, departure);
  if (arrival !== undefined) arrival.counts = true;
  if (departure !== undefined) departure.counts = true;
  return { arrival, departure };
}

function markOthers(facts: readonly Fact[], counted: Fact | undefined): void {
  for (const fact of facts) {
    if (counted === undefined || fact.at === counted.at || !isOfOneVehicle(fact, counted)) continue;
    fact.marks.push('REPORTED_AGAIN');
  }
}

function isOfOneVehicle(one: Fact, other: Fact): boolean {
  return one.custody?.vehicleId === other.custody?.vehicleId;
}

function countedOf(visit: Visit | undefined): Fact[] {
  return [visit?.arrival, visit?.departure].filter((fact) => fact !== undefined);
}

/** Marks what happened at a stop before something at an earlier stop of the plan, and that, too: nobody knows which is wrong. */
function markOrder(stops: readonly (readonly Fact[])[]): void {
  markBehind(stops, (at, newest) => at < newest - CLOCK_SKEW_MS, Math.max, Number.NEGATIVE_INFINITY);
  markBehind(
    stops.toReversed(),
    (at, oldest) => at > oldest + CLOCK_SKEW_MS,
    Math.min,
    Number.POSITIVE_INFINITY,
  );
}

function markBehind(
  stops: readonly (readonly Fact[])[],
  isWrong: (at: number, before: number) => boolean,
  further: (...moments: number[]) => number,
  start: number,
): void {
  let before = start;
  for (const facts of stops) {
    for (const { at, marks } of facts) if (isWrong(at, before)) addOnce(marks, 'OUT_OF_ORDER');
    before = further(before, ...facts.map(({ at }) => at));
  }
}

function addOnce(marks: ReportMark[], mark: ReportMark): void {
  if (!marks.includes(mark)) marks.push(mark);
}

function asVisited(stop: Stop, visit: Visit | undefined): Stop {
  const arrivedAt = visit?.arrival?.report.occurredAt;
  const departedAt = visit?.departure?.report.occurredAt;
  if (isSameMoment(stop.arrivedAt, arrivedAt) && isSameMoment(stop.departedAt, departedAt)) return stop;
  const { arrivedAt: _arrived, departedAt: _departed, ...planned } = stop;
  return { ...planned, ...(arrivedAt ? { arrivedAt } : {}), ...(departedAt ? { departedAt } : {}) };
}

function isSameMoment(one: Date | undefined, other: Date | undefined): boolean {
  return one?.getTime() === other?.getTime();
}
