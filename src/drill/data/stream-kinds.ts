import { type SeededRandom, seededRandom } from '../../client/seeded-random.ts';
import type { Aggregate, Command } from '../../eventstore/aggregate.ts';
import type { Intent } from '../../eventstore/command/intent.ts';
import { newId } from '../../eventstore/ids.ts';
import type { Projection } from '../../eventstore/projection.ts';
import type { RouteCommand } from '../../route/decide.ts';
import { routeSummary } from '../../route/projection.ts';
import { ADJUST_REASON_NAMES, ADJUST_SOURCE_NAMES } from '../../route/reasons.ts';
import { route } from '../../route/route.ts';
import type { TenderCommand } from '../../tender/command.ts';
import { tendersRead } from '../../tender/projection.ts';
import { tender } from '../../tender/tender.ts';
import type { VehicleCommand } from '../../vehicle/decide.ts';
import { fleetStatus } from '../../vehicle/projection.ts';
import { vehicle } from '../../vehicle/vehicle.ts';

/** A kind of stream that drills make: commands which the product's own code decides, each for one event. */
export interface StreamKind {
  readonly aggregate: Aggregate<unknown, Command>;
  readonly projection: Projection;
  /** Begins a stream. */
  begin(random: SeededRandom, base: Base, fleetId: string): Command;
  /** What may happen to it any number of times; each changes something. */
  next(random: SeededRandom, base: Base): Command;
}

/** The part that every command has. */
type Base = Pick<Command, 'at' | 'occurredAt' | 'by'>;

/** Whose data a drill makes. */
export const DRILL_TENANT = 'drill';
/** Fleets that streams are spread over: boards of a dispatcher each. */
export const FLEETS = 20;

const BY = { id: 'drill', role: 'dispatcher' } as const;
/** Of events, this share is told late, by up to so many ms. */
const LATE = { share: 0.1, byMs: 3_600_000 } as const;
const DAY_MS = 86_400_000;

function placeOf(random: SeededRandom): { longitude: number; latitude: number } {
  return { longitude: random.between(-120, -70), latitude: random.between(30, 48) };
}

const tenders: StreamKind = {
  aggregate: tender,
  projection: tendersRead,
  begin: (random, base, fleetId): TenderCommand => ({
    type: 'CreateTender',
    details: {
      fleetId,
      reference: `PO-${random.whole(1, 999_999)}`,
      stops: [
        { kind: 'PICKUP', name: 'Mill Road 7', ...placeOf(random) },
        { kind: 'DELIVERY', name: 'Harbour Street 2', ...placeOf(random) },
      ],
    },
    ...base,
  }),
  next(random, base): TenderCommand {
    if (random.chance(0.05)) {
      const expiresAt = new Date(base.at.getTime() + 7 * DAY_MS);
      return { type: 'OfferTender', offerId: newId(), carrierId: newId(), expiresAt, ...base };
    }
    if (random.chance(0.1)) {
      const rate = { amount: random.between(100, 1_000_000).toFixed(2), currency: 'USD' };
      return { type: 'AmendTender', changes: { rate }, ...base };
    }
    return { type: 'AmendTender', changes: { weightKg: random.between(1, 30_000) }, ...base };
  },
};

const vehicles: StreamKind = {
  aggregate: vehicle,
  projection: fleetStatus,
  begin: (_, base, fleetId): VehicleCommand => ({
    type: 'RegisterVehicle',
    licensePlate: newId().slice(-12).toUpperCase(),
    fleetId,
    ...base,
  }),
  next: (random, base): VehicleCommand => ({
    type: 'TrackLocation',
    fix: { ...placeOf(random), speedMps: random.between(0, 30), headingDeg: random.between(0, 360) },
    keyed: false,
    ...base,
  }),
};

const routes: StreamKind = {
  aggregate: route,
  projection: routeSummary,
  begin: (random, base, fleetId): RouteCommand => ({
    type: 'PlanRoute',
    plan: { stops: [{ name: 'Mill Road 7', ...placeOf(random) }], durationS: random.between(60, 36_000) },
    fleetId,
    ...base,
  }),
  next: (random, base): RouteCommand => ({
    type: 'AdjustRoute',
    changes: { durationS: random.between(60, 36_000) },
    reasonCode: random.pick(ADJUST_REASON_NAMES),
    source: random.pick(ADJUST_SOURCE_NAMES),
    ...base,
  }),
};

/** Every kind of stream that has a read model. */
export const STREAM_KINDS: readonly StreamKind[] = [tenders, routes, vehicles];

/** The part that every command has, now; some are told late. */
export function baseOf(random: SeededRandom): Base {
  const at = new Date();
  const lateMs = random.chance(LATE.share) ? random.whole(1, LATE.byMs) : 0;
  return { at, occurredAt: new Date(at.getTime() - lateMs), by: BY };
}

/** A command on its way. A key makes it recognisable when it comes again. */
export function makeIntent(
  { aggregate }: StreamKind,
  id: string,
  command: Command,
  more: Pick<Intent, 'key' | 'creates' | 'eventId'> = {},
): Intent {
  // The server's clock is no part of what was asked.
  const input = { ...command, at: undefined, by: undefined };
  return { tenantId: DRILL_TENANT, aggregate, id, command, input, origin: 'drill', ...more };
}

/** The fleet of the n-th stream. */
export function fleetOf(index: number): string {
  return `fleet-${index % FLEETS}`;
}

/** A series of its own for each purpose. */
export function randomFor(seed: string, purpose: string | number): SeededRandom {
  return seededRandom(`${seed}/${purpose}`);
}
