import type { Access } from '../access/access.ts';
import { WITHHELD_ACTOR, withheld } from '../audit/withheld.ts';
import type { StoredEvent } from '../eventstore/event.ts';
import { NewerVersion } from '../eventstore/newer.ts';
import { openUpcaster } from '../eventstore/projection.ts';
import { custodyAt } from './custody.ts';
import { type TenderEvent, tenderEvents } from './events.ts';
import { isLive, type Offer } from './offer.ts';
import type { TenderRow } from './projection.ts';
import type { Judged, Told } from './report.ts';
import type { Stop } from './state.ts';

/**
 * A tender as the caller may see it. Everyone of the tenant but its carriers sees all of it. A carrier sees the
 * tenders it was ever asked to take, of their offers its own, and the vehicle only while it has the load. Of what was reported it sees what
 * happened while it had the load; and, while it has it, what happened when nobody had.
 * @returns null where the caller may not know that there is such a tender
 */
export function asSeenBy(access: Access, stored: TenderRow): TenderRow | null {
  const row = stored.enteredAt === undefined ? ofFirstVersion(stored) : stored;
  if (access.role !== 'carrier') return row;
  const { carrierId } = access;
  if (carrierId === undefined || !row.carrierIds.includes(carrierId)) return null;
  const { acceptedOfferId, acceptedCarrierId, vehicleId, driver, nextExpiryAt: _, ...rest } = row;
  const offers = row.offers.filter((offer) => offer.carrierId === carrierId);
  const has = acceptedCarrierId === carrierId;
  const isOwn = (report: Judged): boolean => isOwnTime(report.carrierId, carrierId, has);
  // The stops show what one carrier's vehicles did: those of whoever sent the last.
  const carrying = row.custodies?.findLast(({ vehicleId: sent }) => sent !== undefined)?.carrierId;
  const stops = (list: readonly Stop[]): readonly Stop[] =>
    isOwnTime(carrying, carrierId, has) ? list : list.map(unvisited);
  return {
    ...rest,
    offers,
    stops: stops(row.stops),
    formerStops: stops(row.formerStops ?? []),
    custodies: (row.custodies ?? []).filter((custody) => custody.carrierId === carrierId),
    reports: (row.reports ?? []).filter(isOwn).map(toldTo),
    exceptions: row.exceptions.filter(isOwn).map(toldTo),
    carrierIds: [carrierId],
    lastEvent: eventAsSeenBy(access, row.lastEvent, row),
    ...expiry(offers),
    ...(has ? { acceptedCarrierId } : {}),
    ...(has && acceptedOfferId !== undefined ? { acceptedOfferId } : {}),
    ...(has && vehicleId !== undefined ? { vehicleId } : {}),
    ...(has && driver !== undefined ? { driver } : {}),
  };
}

/** Which fields to withhold is known for the newest version of an event only: older ones are brought up to it first. */
const upcast = openUpcaster(tenderEvents);

/**
 * A tender's event as the caller may see it, by the whole row of the tender: what concerns another carrier says only that something happened.
 * Whoever may read the log sees it as it is stored, a carrier in the newest version.
 */
export function eventAsSeenBy(access: Access, event: StoredEvent, row: TenderRow | null): StoredEvent {
  if (access.role !== 'carrier') return event;
  const { newest, payload } = payloadFor(event, access.carrierId, row);
  return payload === undefined ? withheld(newest) : { ...newest, payload };
}

/** The event as the caller sees it in the tender's history, by the tender as it is now; null where it is withheld. */
export function eventShownTo(access: Access, event: StoredEvent, row: TenderRow | null): StoredEvent | null {
  const seen = eventAsSeenBy(access, event, row);
  return seen !== event && seen.actor.id === WITHHELD_ACTOR ? null : seen;
}

/**
 * An event in its newest version, and what a carrier may know of it: undefined for nothing. Of what only a newer
 * version of Waybill understands, nobody can say here what it tells of other carriers.
 */
function payloadFor(
  event: StoredEvent,
  carrierId: string | undefined,
  row: TenderRow | null,
): { readonly newest: StoredEvent; readonly payload: object | undefined } {
  try {
    const newest = upcast(event);
    return { newest, payload: knownPayloadFor(newest as TenderEvent, carrierId, row) };
  } catch (error) {
    if (error instanceof NewerVersion) return { newest: event, payload: undefined };
    throw error;
  }
}

function knownPayloadFor(
  event: TenderEvent,
  carrierId: string | undefined,
  row: TenderRow | null,
): object | undefined {
  const hasLoad = row?.acceptedCarrierId !== undefined && row.acceptedCarrierId === carrierId;
  switch (event.type) {
    case 'TenderCreated':
      return event.payload;
    case 'TenderAmended': {
      const { reopened, releasedVehicleId: _, ...details } = event.payload;
      return reopened?.carrierId === carrierId ? event.payload : details;
    }
    case 'TenderCancelled':
      return hasLoad ? event.payload : {};
    case 'StopArrived':
    case 'StopDeparted':
    case 'ExceptionRaised': {
      const then = custodyAt(row?.custodies ?? [], event.occurredAt)?.carrierId;
      // Nobody had the load: it may have been another carrier that told of it.
      if (then === undefined && event.actor.role === 'carrier') return undefined;
      return isOwnTime(then, carrierId, hasLoad) ? event.payload : undefined;
    }
    default:
      if ('carrierId' in event.payload)
        return event.payload.carrierId === carrierId ? event.payload : undefined;
      return hasLoad ? event.payload : undefined;
  }
}

/**
 * A row of the read model's first version, which is shown until it is rebuilt. It knows no single report: of these the stops and
 * exceptions tell.
 */
function ofFirstVersion(row: TenderRow): TenderRow {
  const exceptions = row.exceptions.map((raised) => ({
    ...raised,
    recordedAt: raised.occurredAt,
    marks: [],
  }));
  return { ...row, exceptions, enteredAt: row.createdAt };
}

/** Whether what happened while a carrier, or none, had the load is for another one to see. */
function isOwnTime(then: string | undefined, carrierId: string | undefined, hasLoad: boolean): boolean {
  return then === undefined ? hasLoad : then === carrierId;
}

/** A report as a carrier sees it: not who told it, where that may have been another carrier. */
function toldTo<R extends Told & Judged>(report: R): R {
  const { actor, carrierId } = report;
  if (carrierId !== undefined || actor.role !== 'carrier') return report;
  return { ...report, actor: { id: WITHHELD_ACTOR, role: actor.role } };
}

/** A stop as it was planned. */
function unvisited({ arrivedAt: _arrived, departedAt: _departed, ...stop }: Stop): Stop {
  return stop;
}

function expiry(offers: readonly Offer[]): Pick<TenderRow, 'nextExpiryAt'> {
  const live = offers.filter(isLive).map(({ expiresAt }) => expiresAt.getTime());
  return live.length === 0 ? {} : { nextExpiryAt: new Date(Math.min(...live)) };
}
