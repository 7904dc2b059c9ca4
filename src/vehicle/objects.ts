import { EventConnection, EventRef, HISTORY_ARGS } from '../audit/graphql.ts';
import { historyOf } from '../audit/history.ts';
import { builder, uncached } from '../graphql/builder.ts';
import { type Context, isCarrier, requireAccess } from '../graphql/context.ts';
import { encodeGlobalId } from '../graphql/global-id.ts';
import { RefusalCodeRef } from '../graphql/refusal.ts';
import { TenderRef } from '../tender/objects.ts';
import { tendersRead } from '../tender/projection.ts';
import { type MdsState, STATE_REASONS, VEHICLE_STATES } from './events.ts';
import type { FixesOutcome, FixRefusal, FixWarning } from './fixes.ts';
import { vehiclesById } from './look-up.ts';
import type { Position, VehicleRow } from './projection.ts';
import { sentenceOf } from './readings.ts';
import { CORRECTION_REASONS, type CorrectionReason } from './reasons.ts';
import type { Fix } from './track.ts';
import { vehicle } from './vehicle.ts';
import { type Sight, vehicleSeenBy } from './visibility.ts';

const STATE_MEANINGS: Readonly<Record<MdsState, string>> = {
  removed: 'Not on the road: in a depot, sold or scrapped.',
  available: 'Can be reserved.',
  non_operational: 'On the road, but not to be had: charging, maintenance, out of hours.',
  reserved: 'Spoken for, on its way to the pick-up.',
  on_trip: 'Under way.',
  stopped: 'On a trip, standing for a while.',
  non_contactable: 'Out of contact for the moment.',
  missing: 'Out of contact, and nobody knows where it is.',
  elsewhere: 'Outside the area it is meant for.',
};

export const VehicleStateRef = builder.enumType('VehicleState', {
  description: 'The vehicle states of the Mobility Data Specification 2.0.',
  values: Object.fromEntries(
    VEHICLE_STATES.map((state) => [state, { description: STATE_MEANINGS[state] }]),
  ) as Record<MdsState, { description: string }>,
});

export const VehicleStateReasonRef = builder.enumType('VehicleStateReason', {
  description: 'Why a vehicle changed state: event types of the Mobility Data Specification 2.0.',
  values: STATE_REASONS,
});

export const CorrectionReasonRef = builder.enumType('LocationCorrectionReason', {
  description: 'Why a fix that is recorded is corrected.',
  values: Object.fromEntries(
    Object.entries(CORRECTION_REASONS).map(([code, meaning]) => [code, { description: `${meaning}.` }]),
  ) as Record<CorrectionReason, { description: string }>,
});

/** What a device read: the same on a vehicle's position and on each fix of its track. */
const FixReadings = builder.interfaceRef<Position>('FixReadings').implement({
  description: 'Where something was, and what its device read there. WGS 84, SI units.',
  fields: (t) => ({
    longitude: t.exposeFloat('longitude', { description: 'Degrees east, -180 to 180.' }),
    latitude: t.exposeFloat('latitude', { description: 'Degrees north, -90 to 90.' }),
    occurredAt: t.expose('occurredAt', { type: 'DateTime', description: "When, by the device's clock." }),
    recordedAt: t.expose('recordedAt', { type: 'DateTime', description: 'When Waybill took it.' }),
    deviceId: t.exposeString('deviceId', { nullable: true, description: 'Which device of the vehicle.' }),
    speedMps: t.exposeFloat('speedMps', { nullable: true, description: 'Metres per second over ground.' }),
    headingDeg: t.exposeFloat('headingDeg', { nullable: true, description: 'Clockwise from true north.' }),
    accuracyM: t.exposeFloat('accuracyM', { nullable: true, description: 'Radius of the error circle.' }),
    altitudeM: t.exposeFloat('altitudeM', { nullable: true, description: 'Above mean sea level.' }),
    odometerM: t.exposeFloat('odometerM', { nullable: true, description: 'Metres driven in its life.' }),
    batteryPercent: t.exposeFloat('batteryPercent', { nullable: true, description: '0 to 100.' }),
    corrected: t.boolean({
      description:
        'True where it was recorded otherwise at first; `recordedAt` is that of the last correction.',
      resolve: ({ correction }) => correction !== undefined,
    }),
  }),
});

const PositionRef = builder.objectRef<Position>('Position').implement({
  description: 'The newest fix of a vehicle, by occurredAt.',
  interfaces: [FixReadings],
});

export const FixRef = builder.objectRef<Fix>('Fix').implement({
  description: 'One fix of the way of a vehicle.',
  interfaces: [FixReadings],
  fields: (t) => ({
    event: t.expose('event', { type: EventRef, description: 'The event that recorded it.' }),
    correctedBy: t.expose('correctedBy', {
      type: EventRef,
      nullable: true,
      description: 'The event that corrected it last: who did, and why.',
    }),
  }),
});

/** While a tender stands so, its carrier has the load, and sees the vehicle that moves it. */
const WITH_VEHICLE = ['ASSIGNED', 'IN_TRANSIT'];

/** A carrier sees a vehicle while that moves its load, and no other; everyone else of the tenant sees all. */
async function sightOf(context: Context, ids: readonly string[]): Promise<Sight> {
  const access = requireAccess(context);
  if (!isCarrier(access)) return null;
  const found = await context.store
    .rows(tendersRead)
    .aggregate<{ _id: string; tenderId: string; since: Date | null }>([
      {
        $match: {
          acceptedCarrierId: access.carrierId ?? '',
          vehicleId: { $in: [...ids] },
          status: { $in: [...WITH_VEHICLE] },
        },
      },
      { $project: { _id: '$vehicleId', tenderId: '$id', since: { $last: '$custodies.from' } } },
    ]);
  return new Map(found.map(({ _id, tenderId, since }) => [_id, { tenderId, since }]));
}

/** A vehicle. Resolvers return its row, or its id (a UUID in text form). */
export const VehicleRef = builder.loadableNode(builder.objectRef<VehicleRow>('Vehicle'), {
  description: 'Something that moves loads, and where it is.',
  id: { resolve: (row) => row.id, description: 'Global id.' },
  loaderOptions: uncached,
  load: async (ids: string[], context) => {
    const access = requireAccess(context);
    const sight = await sightOf(context, ids);
    const visible = sight === null ? ids : ids.filter((id) => sight.has(id));
    const rows = (await vehiclesById(context, visible)).filter((row) => row !== null);
    return rows.map((row) => vehicleSeenBy(access, row, sight?.get(row.id)));
  },
  // What is not found, or not the caller's to see, becomes null.
  sort: (row) => row.id,
  fields: (t) => ({
    licensePlate: t.exposeString('licensePlate', { description: 'Unique within the tenant.' }),
    fleetId: t.exposeString('fleetId', { nullable: true, description: 'The fleet it belongs to.' }),
    state: t.expose('state', { type: VehicleStateRef, description: 'What it is doing.' }),
    tenderId: t.id({
      nullable: true,
      description: 'The tender it is committed to, as a global id.',
      resolve: ({ tenderId }) => (tenderId === null ? null : encodeGlobalId('Tender', tenderId)),
    }),
    position: t.expose('position', {
      type: PositionRef,
      nullable: true,
      description: 'Where it is: the newest fix by occurredAt. A late fix never moves it back.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When its first event was recorded.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When its last event was recorded.' }),
    lastSequence: t.exposeInt('lastSequence', { description: 'How much of its stream this shows.' }),
    lastEvent: t.expose('lastEvent', { type: EventRef, description: 'What happened to it last.' }),
    history: t.field({
      type: EventConnection,
      authScopes: { tenantWide: true },
      description:
        'All that was recorded of it, up to now, in the order of recording: who, why, when it happened and when it was told.',
      args: HISTORY_ARGS,
      resolve: (row, page, context) => historyOf(context, { aggregateType: vehicle.type, id: row.id }, page),
    }),
  }),
});

// Declared here, since tender/ comes before vehicle/ and holds the id only.
builder.objectField(TenderRef, 'vehicle', (t) =>
  t.field({
    type: VehicleRef,
    nullable: true,
    description:
      'The vehicle committed to it, as that is now. A carrier sees it from its assignment to the delivery.',
    resolve: (row) => row.vehicleId,
  }),
);

const FixRefusalRef = builder.objectRef<FixRefusal>('FixRefusal').implement({
  description: 'A fix that was not recorded, and why.',
  fields: (t) => ({
    index: t.exposeInt('index', { description: 'Its place in `fixes`, from 0.' }),
    code: t.field({ type: RefusalCodeRef, description: 'Why.', resolve: (fix) => fix.refusal.code }),
    message: t.string({ description: 'The same for a person.', resolve: (fix) => fix.refusal.message }),
  }),
});

const ReadingFaultRef = builder.enumType('ReadingFault', {
  description: 'Why a reading was left out of a fix.',
  values: {
    READING_UNKNOWN: {
      description: 'The number is one by which devices say that they do not know, such as -1.',
    },
    READING_OUT_OF_RANGE: { description: 'The number is beyond what the reading can be.' },
  } as const,
});

/** What `trackLocation` and `trackLocations` tell of a reading that they left out; a single fix has the index 0. */
export const FixWarningRef = builder.objectRef<FixWarning>('FixWarning').implement({
  description: 'A reading that was left out of a fix, which is recorded without it: the position stands.',
  fields: (t) => ({
    index: t.exposeInt('index', {
      description: 'The place of its fix in `fixes`, from 0; 0 for a single fix.',
    }),
    field: t.exposeString('field', { description: 'Which reading: the name of the input field.' }),
    code: t.expose('code', { type: ReadingFaultRef, description: 'Why.' }),
    message: t.string({ description: 'The same for a person.', resolve: sentenceOf }),
  }),
});

export const TrackLocationsPayload = builder.objectRef<FixesOutcome>('TrackLocationsPayload').implement({
  description: 'What became of the fixes: recorded + repeated + refused is how many there were.',
  fields: (t) => ({
    recorded: t.exposeInt('recorded', { description: 'New.' }),
    repeated: t.exposeInt('repeated', { description: 'Recorded before, or twice in this request.' }),
    refused: t.expose('refused', { type: [FixRefusalRef], description: 'In the order of `fixes`.' }),
    warnings: t.expose('warnings', {
      type: [FixWarningRef],
      description: 'Readings that were left out of recorded and repeated fixes, in the order of `fixes`.',
    }),
  }),
});
