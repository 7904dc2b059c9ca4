import type { InputFieldBuilder } from '@pothos/core';
import { builder, type Types } from '../graphql/builder.ts';
import { invalidInput } from '../graphql/errors.ts';
import { commonFields } from '../graphql/inputs.ts';
import { CorrectionReasonRef, VehicleStateReasonRef, VehicleStateRef } from './objects.ts';
import { type BoundingBox, boxFault } from './position.ts';

/** The most fixes that one `trackLocations` takes. */
export const MAX_FIXES = 1_000;

const BoundingBoxInput = builder.inputType('BoundingBox', {
  description:
    'Between two meridians and two parallels, edges included, in degrees. `west` may be greater than `east`: the box ' +
    'then crosses the 180th meridian.',
  fields: (t) => ({
    west: t.float({ required: true, description: '-180 to 180.' }),
    south: t.float({ required: true, description: '-90 to 90, not greater than `north`.' }),
    east: t.float({ required: true, description: '-180 to 180.' }),
    north: t.float({ required: true, description: '-90 to 90.' }),
  }),
});

/** Checks the box of a filter. @throws INVALID_INPUT, with the field at fault, for degrees out of range or south above north */
export function checkBox(box: BoundingBox | null | undefined): void {
  const fault = box ? boxFault(box) : null;
  if (fault !== null) throw invalidInput(fault.message, `filter.within.${fault.field}`);
}

export const VehicleFilterInput = builder.inputType('VehicleFilter', {
  description: 'Every given field must fit, with any of its values.',
  fields: (t) => ({
    ids: t.idList({ description: 'These vehicles.' }),
    fleetId: t.stringList({ description: 'Of these fleets.' }),
    state: t.field({ type: [VehicleStateRef], description: 'In these states.' }),
    within: t.field({ type: BoundingBoxInput, description: 'With a position in this box.' }),
  }),
});

export const RegisterVehicleInput = builder.inputType('RegisterVehicleInput', {
  description: 'A vehicle joins the fleet.',
  fields: (t) => ({
    id: t.id({ description: 'A UUID of the client’s own; by default Waybill gives one.' }),
    licensePlate: t.string({
      required: true,
      description:
        'Unique within the tenant; case, and the kind and number of separators, make no difference.',
    }),
    fleetId: t.string({ description: 'The fleet it belongs to.' }),
    ...commonFields(t),
  }),
});

/** The fields by which a client names a vehicle: exactly one is to be given. */
function vehicleName(t: InputFieldBuilder<Types, 'InputObject'>) {
  return {
    vehicleId: t.id({ description: 'The vehicle; or give its plate.' }),
    licensePlate: t.string({ description: 'The vehicle by its plate; or give its id.' }),
  };
}

export const ChangeVehicleStateInput = builder.inputType('ChangeVehicleStateInput', {
  description: 'A vehicle goes to another state, by the transitions of the Mobility Data Specification 2.0.',
  fields: (t) => ({
    ...vehicleName(t),
    state: t.field({ type: VehicleStateRef, required: true, description: 'What it becomes.' }),
    reasonCode: t.field({ type: VehicleStateReasonRef, description: 'Why; must lead to that state.' }),
    ...commonFields(t),
  }),
});

const UNKNOWN =
  'A reading that is not known is null or absent. One beyond its range, as -1 where a device does not know, is left out ' +
  'and told in `warnings`; the position stands.';

function readingFields(t: InputFieldBuilder<Types, 'InputObject'>) {
  return {
    longitude: t.float({ required: true, description: 'WGS 84 degrees east, -180 to 180.' }),
    latitude: t.float({ required: true, description: 'WGS 84 degrees north, -90 to 90.' }),
    speedMps: t.float({ description: 'Metres per second over ground, 0 to 400.' }),
    headingDeg: t.float({ description: 'Clockwise from true north, 0 to 360.' }),
    accuracyM: t.float({ description: 'Radius of the error circle, 0 to 100,000.' }),
    altitudeM: t.float({ description: 'Above mean sea level, -1,000 to 100,000.' }),
    odometerM: t.float({ description: 'Metres driven in its life, not below 0.' }),
    batteryPercent: t.float({ description: '0 to 100.' }),
  };
}

function fixFields(t: InputFieldBuilder<Types, 'InputObject'>) {
  return {
    ...vehicleName(t),
    deviceId: t.string({ description: 'Which device of the vehicle, where it has several.' }),
    ...readingFields(t),
    idempotencyKey: t.string({
      description:
        'Without one, vehicle, device and occurredAt identify the fix: the same again is a repeat. With neither a key ' +
        'nor an occurredAt, each is a fix of its own.',
    }),
    occurredAt: t.field({
      type: 'DateTime',
      description: "When it was taken, by the device's clock; if not now.",
    }),
  };
}

export const TrackLocationInput = builder.inputType('TrackLocationInput', {
  description: `Where a vehicle was. ${UNKNOWN}`,
  fields: fixFields,
});

export const FixInput = builder.inputType('FixInput', {
  description: `Where a vehicle was. ${UNKNOWN}`,
  fields: fixFields,
});

export const TrackLocationsInput = builder.inputType('TrackLocationsInput', {
  description: 'Fixes of any vehicles.',
  fields: (t) => ({
    fixes: t.field({ type: [FixInput], required: true, description: `At most ${MAX_FIXES}.` }),
    idempotencyKey: t.string({
      description: 'Names those fixes that have neither a key nor an occurredAt.',
    }),
    occurredAt: t.field({ type: 'DateTime', description: 'For fixes without one of their own; if not now.' }),
  }),
});

function correctionFields(t: InputFieldBuilder<Types, 'InputObject'>) {
  return {
    ...vehicleName(t),
    eventId: t.id({ description: 'The event that recorded the fix; or give its `occurredAt`.' }),
    occurredAt: t.field({
      type: 'DateTime',
      description:
        'When the fix was taken: names it where it came without a key, with the device if it named one.',
    }),
    deviceId: t.string({ description: 'The device that the fix named.' }),
    ...readingFields(t),
    idempotencyKey: t.string({
      description:
        'Names the correction among those of its fix. Without one, what the fix says already is a repeat all the same.',
    }),
  };
}

const WHOLE = `The whole reading: what is left out is not known. ${UNKNOWN}`;

export const CorrectLocationInput = builder.inputType('CorrectLocationInput', {
  description: `What a fix should have said that is recorded. ${WHOLE}`,
  fields: (t) => ({
    ...correctionFields(t),
    reasonCode: t.field({ type: CorrectionReasonRef, required: true, description: 'Why.' }),
  }),
});

export const FixCorrectionInput = builder.inputType('FixCorrectionInput', {
  description: `What a fix should have said that is recorded. ${WHOLE}`,
  fields: correctionFields,
});

export const CorrectLocationsInput = builder.inputType('CorrectLocationsInput', {
  description: 'Corrections of fixes of any vehicles.',
  fields: (t) => ({
    corrections: t.field({
      type: [FixCorrectionInput],
      required: true,
      description: `At most ${MAX_FIXES}.`,
    }),
    reasonCode: t.field({ type: CorrectionReasonRef, required: true, description: 'Why, for all of them.' }),
  }),
});
