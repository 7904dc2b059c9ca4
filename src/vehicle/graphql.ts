import { isPast } from '../eventstore/time/as-of.ts';
import { builder } from '../graphql/builder.ts';
import { requireAccess } from '../graphql/context.ts';
import { costs } from '../graphql/cost.ts';
import { invalidInput, unlessNewer } from '../graphql/errors.ts';
import { toUuid } from '../graphql/global-id.ts';
import { connectionOf, keysetPage, type Order, pageSize } from '../graphql/paging.ts';
import { selectVehicles } from './filter.ts';
import { checkBox, VehicleFilterInput } from './inputs.ts';
import { isNamed, vehicleAsOf, vehicleIds } from './look-up.ts';
import './mutations.ts';
import { type FleetSummary, fleetsOf } from './fleets.ts';
import { FixRef, VehicleRef, VehicleStateRef } from './objects.ts';
import { fleetStatus, type VehicleRow } from './projection.ts';
import './subscription.ts';
import { fixCursor, trackOf } from './track.ts';

// A vehicle's files in the order of its life: events → decide (transitions: pure) → state → projection (the row) are what
// happens, plate and its stream keep a plate unique; vehicle.ts joins them to a stream. inputs → mutations give commands,
// fixes those of which there are thousands a second, corrections what these should have said; look-up finds vehicles by id or plate, objects shows them to those who may see them (visibility); this file
// and subscription select rows by filter, track reads the fixes of one vehicle.

/** Ids grow with time, so this is the order of registration. */
const ORDER: Order<VehicleRow> = [['_id', 1]];

const StateCount = builder.objectRef<FleetSummary['states'][number]>('VehicleStateCount').implement({
  description: 'How many vehicles of a fleet are in a state.',
  fields: (t) => ({
    state: t.expose('state', { type: VehicleStateRef, description: 'The state.' }),
    vehicles: t.exposeInt('vehicles', { description: 'How many; at least one.' }),
  }),
});

const FleetSummaryRef = builder.objectRef<FleetSummary>('FleetSummary').implement({
  description: 'The vehicles of a fleet, counted.',
  fields: (t) => ({
    fleetId: t.exposeString('fleetId', { nullable: true, description: 'Null for vehicles of no fleet.' }),
    total: t.exposeInt('total', { description: 'All its vehicles.' }),
    states: t.field({
      type: [StateCount],
      description: 'By state; states that no vehicle is in are left out.',
      resolve: ({ states }) => [...states],
    }),
  }),
});

const FixEdge = builder.edgeObject({ name: 'FixEdge', type: FixRef });
const FixConnection = builder.connectionObject({ name: 'FixConnection', type: FixRef }, FixEdge);

builder.queryFields((t) => ({
  vehicle: t.field({
    type: VehicleRef,
    nullable: true,
    authScopes: { tenantWide: true },
    description:
      'By id or by plate, exactly one of them: as it is now, or as it was at `asOf` (by occurredAt), as far as was ' +
      'known at `knownAt` (by recordedAt).',
    args: {
      id: t.arg.id({ description: 'Its global id, or its bare UUID.' }),
      licensePlate: t.arg.string({ description: 'Its plate.' }),
      asOf: t.arg({ type: 'DateTime', description: 'Leaves out what happened later.' }),
      knownAt: t.arg({ type: 'DateTime', description: 'Leaves out what was told later.' }),
    },
    resolve: async (_root, { id, licensePlate, asOf, knownAt }, context) => {
      if (!isNamed({ id, licensePlate })) {
        throw invalidInput('Give id or licensePlate, exactly one of them.', 'id');
      }
      const [found] = await vehicleIds(context, [{ id, licensePlate }]);
      if (typeof found !== 'string') {
        if (found !== undefined) unlessNewer(found);
        return null;
      }
      // The loader reads it together with the others of this request.
      return isPast({ asOf, knownAt }) ? vehicleAsOf(context, found, { asOf, knownAt }) : found;
    },
  }),
  vehicles: t.connection(
    {
      type: VehicleRef,
      authScopes: { tenantWide: true },
      description: 'The vehicles that match, in pages of 50 unless asked otherwise, at most 200.',
      args: { filter: t.arg({ type: VehicleFilterInput, description: 'Which; by default all.' }) },
      resolve: (_root, { filter, ...page }, context) => {
        checkBox(filter?.within);
        const selected = selectVehicles(requireAccess(context).tenantId, filter);
        const rows = context.store.rows(fleetStatus);
        return keysetPage(page, ORDER, (query) =>
          rows.find({ $and: [selected.filter, query.filter] }, query),
        );
      },
    },
    { name: 'VehicleConnection', description: 'A page of vehicles.' },
    { name: 'VehicleEdge' },
  ),
  fleets: t.field({
    type: [FleetSummaryRef],
    authScopes: { tenantWide: true },
    description: 'Counts by state, per fleet, by the name of the fleet.',
    extensions: costs({ points: 2_000 }),
    resolve: (_root, _args, context) => fleetsOf(context.store.rows(fleetStatus)),
  }),
  vehicleTrack: t.field({
    type: FixConnection,
    authScopes: { tenantWide: true },
    description:
      'The way of a vehicle between two moments, by occurredAt, oldest first; both moments included.',
    args: {
      vehicleId: t.arg.id({ required: true, description: 'Its global id, or its bare UUID.' }),
      from: t.arg({ type: 'DateTime', required: true, description: 'The earliest occurredAt.' }),
      to: t.arg({ type: 'DateTime', required: true, description: 'The latest occurredAt.' }),
      first: t.arg.int({ description: 'How many; 50 unless asked otherwise, at most 200.' }),
      after: t.arg.string({ description: 'The cursor of the fix to go on after.' }),
    },
    resolve: async (_root, { vehicleId, from, to, first, after }, context) => {
      if (from > to) throw invalidInput('from must not be later than to.', 'from');
      const page = { first, after };
      const id = toUuid('Vehicle', vehicleId);
      const limit = pageSize(page).size + 1;
      const fixes = id === undefined ? [] : await trackOf(context, id, { from, to, after }, limit);
      return connectionOf(fixes, page, fixCursor);
    },
  }),
}));
