import { type CommandPayload, give, recordedFields } from '../audit/command-payload.ts';
import type { Outcome } from '../eventstore/command/intent.ts';
import { isWellFormed, present } from '../eventstore/payload.ts';
import { builder } from '../graphql/builder.ts';
import { type Context, isCarrier, refuseUnless, requireAccess, stamp } from '../graphql/context.ts';
import { costs } from '../graphql/cost.ts';
import { forbidden, invalidInput, unlessNewer } from '../graphql/errors.ts';
import { newIdOf } from '../graphql/global-id.ts';
import { keyFault } from '../graphql/inputs.ts';
import { isRefusal, resultUnion } from '../graphql/refusal.ts';
import { CHECKS_OWN_TEXT, complaintAbout } from '../graphql/well-formed.ts';
import { type Refusal, refusal } from '../refusal.ts';
import { correctAll, correctFixes } from './corrections.ts';
import { fixIntent, trackAll, warningsOf } from './fixes.ts';
import * as inputs from './inputs.ts';
import { isNamed, vehicleIds } from './look-up.ts';
import { FixWarningRef, TrackLocationsPayload, VehicleRef } from './objects.ts';
import { plateText } from './plate.ts';
import { fleetStatus, type VehicleRow } from './projection.ts';
import type { ReadingWarning } from './readings.ts';
import { vehicle } from './vehicle.ts';

interface VehicleAnswer extends CommandPayload<VehicleRow> {
  /** Absent where the command was no fix. */
  readonly warnings?: readonly ReadingWarning[];
}

const VehiclePayload = builder.objectRef<VehicleAnswer>('VehiclePayload').implement({
  description: 'The command is recorded.',
  fields: (t) => ({
    vehicle: t.expose('row', { type: VehicleRef, description: 'As the command left it.' }),
    ...recordedFields(t, { repeated: 'True when an earlier submission had recorded it.' }),
    warnings: t.field({
      type: [FixWarningRef],
      description: 'Readings that were left out of a fix; of any other command, none.',
      resolve: ({ warnings = [] }) => warnings.map((warning) => ({ index: 0, ...warning })),
    }),
  }),
});

const VehicleResult = resultUnion('VehicleResult', VehiclePayload);

function register(
  context: Context,
  input: typeof inputs.RegisterVehicleInput.$inferInput,
): Promise<CommandPayload<VehicleRow> | Refusal> | Refusal {
  const refused = refuseUnless(context, 'dispatcher', 'admin', 'system');
  if (refused) return refused;
  const { idempotencyKey: key, id: wanted, fleetId, occurredAt } = input;
  const id = wanted ? newIdOf('Vehicle', wanted, 'id') : context.store.newId('Vehicle', key);
  if (isRefusal(id)) return id;
  const licensePlate = plateText(input.licensePlate);
  const base = stamp(context, input);
  const command = { type: 'RegisterVehicle', licensePlate, ...present({ fleetId }), ...base } as const;
  return give(context, fleetStatus, {
    aggregate: vehicle,
    id,
    command,
    input: { id: wanted ? id : null, licensePlate, fleetId, occurredAt },
    creates: true,
    ...present({ key }),
  });
}

/** The one vehicle that an input names, or the refusal. */
async function named(
  context: Context,
  input: { vehicleId?: string | null | undefined; licensePlate?: string | null | undefined },
): Promise<string | Refusal> {
  const name = { id: input.vehicleId, licensePlate: input.licensePlate };
  if (!isNamed(name)) {
    return refusal('INVALID_INPUT', 'Give vehicleId or licensePlate, exactly one of them.', 'vehicleId');
  }
  const [id] = await vehicleIds(context, [name]);
  if (typeof id === 'string') return id;
  const field = input.vehicleId ? 'vehicleId' : 'licensePlate';
  return unlessNewer({ ...(id ?? refusal('NOT_FOUND')), field });
}

async function changeState(
  context: Context,
  input: typeof inputs.ChangeVehicleStateInput.$inferInput,
): Promise<CommandPayload<VehicleRow> | Refusal> {
  if (isCarrier(requireAccess(context))) return refusal('FORBIDDEN');
  const id = await named(context, input);
  if (isRefusal(id)) return id;
  const { idempotencyKey: key, state: to, reasonCode, occurredAt } = input;
  const base = stamp(context, input);
  return give(context, fleetStatus, {
    aggregate: vehicle,
    id,
    command: { type: 'ChangeVehicleState', to, ...present({ reasonCode }), ...base },
    input: { to, reasonCode, occurredAt },
    ...present({ key }),
  });
}

async function track(
  context: Context,
  input: typeof inputs.TrackLocationInput.$inferInput,
): Promise<VehicleAnswer | Refusal> {
  if (isCarrier(requireAccess(context))) return refusal('FORBIDDEN');
  const id = await named(context, input);
  if (isRefusal(id)) return id;
  const { idempotencyKey: key, occurredAt } = input;
  const answer = await give(context, fleetStatus, fixIntent(context, id, input, { key, occurredAt }));
  const warnings = warningsOf(input);
  return isRefusal(answer) || warnings.length === 0 ? answer : { ...answer, warnings };
}

/** Corrections are for those who answer for the record; a device sends fixes. */
function mayNot(context: Context): Refusal | undefined {
  return refuseUnless(context, 'dispatcher', 'admin', 'system');
}

async function correct(
  context: Context,
  input: typeof inputs.CorrectLocationInput.$inferInput,
): Promise<VehicleAnswer | Refusal> {
  const forbids = mayNot(context);
  if (forbids) return forbids;
  const fault = keyFault(input.idempotencyKey);
  if (fault !== undefined) return refusal('INVALID_INPUT', fault, 'idempotencyKey');
  const vehicleId = await named(context, input);
  if (isRefusal(vehicleId)) return vehicleId;
  const [outcome] = await correctFixes(context, [{ vehicleId, fields: input }], input.reasonCode);
  if (outcome === undefined) throw new Error('A correction came to nothing.');
  if (outcome.kind === 'refused') return unlessNewer(outcome.refusal);
  const { events, repeated } = outcome;
  return { row: await rowOf(context, vehicleId, outcome), events, repeated, warnings: warningsOf(input) };
}

async function rowOf(context: Context, vehicleId: string, outcome: Outcome): Promise<VehicleRow> {
  const row = outcome.kind === 'recorded' ? outcome.row(fleetStatus.name) : null;
  const found =
    (row as VehicleRow | null) ?? (await context.store.rowAsOf(vehicle, fleetStatus, vehicleId, {}));
  if (found === null) throw new Error(`Vehicle ${vehicleId} has no row after a correction.`);
  return found;
}

builder.mutationFields((t) => ({
  registerVehicle: t.field({
    type: VehicleResult,
    description:
      'A vehicle joins the fleet and is available. LICENSE_PLATE_TAKEN for a plate another one has.',
    args: { input: t.arg({ type: inputs.RegisterVehicleInput, required: true }) },
    resolve: (_root, { input }, context) => register(context, input),
  }),
  changeVehicleState: t.field({
    type: VehicleResult,
    description:
      'A vehicle goes to another state. What no table of MDS 2.0 allows is INVALID_TRANSITION; what would break ' +
      'its commitment to a tender is VEHICLE_COMMITTED.',
    args: { input: t.arg({ type: inputs.ChangeVehicleStateInput, required: true }) },
    resolve: (_root, { input }, context) => changeState(context, input),
  }),
  trackLocation: t.field({
    type: VehicleResult,
    description: 'Where a vehicle was. A late fix is recorded, and never moves the position back.',
    args: { input: t.arg({ type: inputs.TrackLocationInput, required: true }) },
    resolve: (_root, { input }, context) => track(context, input),
  }),
  trackLocations: t.field({
    type: TrackLocationsPayload,
    description: `Up to ${inputs.MAX_FIXES} fixes of any vehicles. Each is answered on its own; one bad fix spoils no other.`,
    args: { input: t.arg({ type: inputs.TrackLocationsInput, required: true }) },
    extensions: { ...CHECKS_OWN_TEXT, ...costs({ perItem: 20 }) },
    resolve: (_root, { input }, context) => {
      if (isCarrier(requireAccess(context))) throw forbidden();
      if (input.fixes.length > inputs.MAX_FIXES)
        throw invalidInput(`At most ${inputs.MAX_FIXES} fixes at once.`, 'fixes');
      if (!isWellFormed(input.idempotencyKey ?? ''))
        throw invalidInput(complaintAbout('idempotencyKey'), 'idempotencyKey');
      const fault = keyFault(input.idempotencyKey || null);
      if (fault !== undefined) throw invalidInput(fault, 'idempotencyKey');
      return trackAll(context, input);
    },
  }),
  correctLocation: t.field({
    type: VehicleResult,
    description:
      'Says what a recorded fix should have said. The fix stays in the log; positions, tracks and `asOf` show what holds ' +
      'instead, `knownAt` an earlier moment what was known then. What the fix says already is a repeat, without a key too. ' +
      'NOT_FOUND for a fix that is not recorded.',
    args: { input: t.arg({ type: inputs.CorrectLocationInput, required: true }) },
    resolve: (_root, { input }, context) => correct(context, input),
  }),
  correctLocations: t.field({
    type: TrackLocationsPayload,
    description: `Up to ${inputs.MAX_FIXES} corrections of fixes of any vehicles, each answered on its own.`,
    args: { input: t.arg({ type: inputs.CorrectLocationsInput, required: true }) },
    extensions: { ...CHECKS_OWN_TEXT, ...costs({ perItem: 20 }) },
    resolve: (_root, { input }, context) => {
      if (mayNot(context)) throw forbidden();
      if (input.corrections.length > inputs.MAX_FIXES)
        throw invalidInput(`At most ${inputs.MAX_FIXES} corrections at once.`, 'corrections');
      return correctAll(context, input);
    },
  }),
}));
