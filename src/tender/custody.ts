import { CLOCK_SKEW_MS } from '../eventstore/aggregate.ts';

// Who had the load when: a carrier from its acceptance on, with a vehicle from its assignment on, until something else was
// decided. The moments are those from which decisions take effect, so that each report is judged by what was in
// force when the thing happened, whenever that was told.

/** A stretch of time in which a carrier had the load, with one vehicle or still without. */
export interface Custody {
  readonly carrierId: string;
  /** A UUID in text form; absent while no vehicle was assigned. */
  readonly vehicleId?: string;
  readonly from: Date;
  /** When the load was taken away, or went to another vehicle; absent while it holds, and after delivery. */
  readonly until?: Date;
}

/** How often a load can go from hand to hand in its life: its row must not grow without bound. */
export const MAX_CUSTODIES = 1_000;

/** The load goes to a carrier, or to a vehicle, from a moment on. */
export function handedOver(
  custodies: readonly Custody[],
  to: Pick<Custody, 'carrierId' | 'vehicleId'>,
  at: Date,
): Custody[] {
  const before = takenAway(custodies, at);
  const last = before.at(-1)?.until;
  // Logs of earlier versions have decisions that claim to precede their cause.
  return [...before, { ...to, from: last !== undefined && at < last ? last : at }];
}

/** Nobody has the load from a moment on. */
export function takenAway(custodies: readonly Custody[], at: Date): readonly Custody[] {
  const last = custodies.at(-1);
  if (last === undefined || last.until !== undefined) return custodies;
  return [...custodies.slice(0, -1), { ...last, until: at < last.from ? last.from : at }];
}

/** Whose the load was at a moment, of these; whose it was soon after, where it was nobody's. */
export function custodyAt(custodies: readonly Custody[], at: Date): Custody | undefined {
  const moment = at.getTime();
  return (
    custodies.find((each) => holds(each, moment)) ?? custodies.find((each) => beginsSoonAfter(each, moment))
  );
}

/** True where a carrier had the load at a moment or later: of that time it can tell. */
export function hadLoadSince(custodies: readonly Custody[], carrierId: string, at: Date): boolean {
  const since = at.getTime() - CLOCK_SKEW_MS;
  return custodies.some(
    (each) => each.carrierId === carrierId && (each.until?.getTime() ?? Infinity) > since,
  );
}

/**
 * True for the carrier that had the load last, where nobody has it now: its vehicle does not stop while it is asked again,
 * and goes on until it hears of it.
 */
export function hadLoadLast(custodies: readonly Custody[], carrierId: string): boolean {
  return custodies.at(-1)?.carrierId === carrierId;
}

function holds({ from, until }: Custody, at: number): boolean {
  return from.getTime() <= at && (until === undefined || at < until.getTime());
}

// Who departs right after an assignment may have a clock that is behind the one of who assigned.
function beginsSoonAfter({ from }: Custody, at: number): boolean {
  const ahead = from.getTime() - at;
  return ahead > 0 && ahead <= CLOCK_SKEW_MS;
}

/**
 * The stretches whose reports say where the load is now: those of the vehicle that has it or had it last; of those
 * before it, too, where the load was moving when another took over, or where the carrier was only asked again and
 * sent the same vehicle.
 * @param moved those in which the vehicle left a stop with the load
 */
export function carriageOf(
  custodies: readonly Custody[],
  moved: ReadonlySet<Custody | undefined>,
): readonly Custody[] {
  let carriage: Custody[] = [];
  let isMoving = false;
  for (const [index, custody] of custodies.entries()) {
    if (custody.vehicleId === undefined) continue;
    const last = carriage.at(-1);
    const tookOver = isMoving && last !== undefined && custodies[index - 1] === last;
    const isSame = last?.vehicleId === custody.vehicleId && last.carrierId === custody.carrierId;
    if (!(tookOver || isSame)) {
      carriage = [];
      isMoving = false;
    }
    carriage.push(custody);
    isMoving ||= moved.has(custody);
  }
  return carriage;
}
