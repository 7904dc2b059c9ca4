import type { SeededRandom } from '../../client/seeded-random.ts';
import type { Aggregate, Command } from '../../eventstore/aggregate.ts';
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
import type { CommandBase } from './commands.ts';

/** A kind of stream that drills make, by commands that the product's own code decides, one event each. */
export interface StreamKind {
  readonly aggregate: Aggregate<unknown, Command>;
  readonly projection: Projection;
  /** Begins a stream. */
  begin(random: SeededRandom, base: CommandBase, fleetId: string): Command;
  /** A command that may be given any number of times, and always changes something. */
  next(random: SeededRandom, base: CommandBase): Command;
}

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
