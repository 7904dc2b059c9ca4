import { builder } from '../graphql/builder.ts';
import { commonFields } from '../graphql/inputs.ts';
import { MAX_PATH_POINTS } from './events.ts';
import { AdjustReasonRef, AdjustSourceRef } from './objects.ts';

const PATH = `The line between the stops, 2 to ${MAX_PATH_POINTS} points.`;

const RouteStopInput = builder.inputType('RouteStopInput', {
  description: 'A place on the way; its sequence is its place in the list, from 1. Coordinates are WGS 84.',
  fields: (t) => ({
    name: t.string({ required: true, description: 'For a person.' }),
    longitude: t.float({ required: true, description: 'Degrees east, -180 to 180.' }),
    latitude: t.float({ required: true, description: 'Degrees north, -90 to 90.' }),
    plannedArrival: t.field({ type: 'DateTime', description: 'When the vehicle is to be there.' }),
  }),
});

const RoutePointInput = builder.inputType('RoutePointInput', {
  description: 'A point of the line of a route. WGS 84.',
  fields: (t) => ({
    longitude: t.float({ required: true, description: 'Degrees east, -180 to 180.' }),
    latitude: t.float({ required: true, description: 'Degrees north, -90 to 90.' }),
  }),
});

export const PlanRouteInput = builder.inputType('PlanRouteInput', {
  description: 'The way of a vehicle through stops.',
  fields: (t) => ({
    id: t.id({ description: 'A UUID of the client’s own; by default Waybill gives one.' }),
    name: t.string({ description: 'For a person.' }),
    vehicleId: t.id({ description: 'Whose way it is.' }),
    tenderId: t.id({ description: 'The tender it is planned for.' }),
    fleetId: t.string({ description: 'The fleet it is planned for.' }),
    stops: t.field({ type: [RouteStopInput], required: true, description: 'The way, 1 to 100 stops.' }),
    path: t.field({ type: [RoutePointInput], description: PATH }),
    distanceM: t.float({ description: 'Its length.' }),
    durationS: t.float({ description: 'How long it is to take.' }),
    ...commonFields(t),
  }),
});

export const AdjustRouteInput = builder.inputType('AdjustRouteInput', {
  description:
    'Changes to a plan: what is left out stays, and null clears where a field says so. Line, length and duration belong ' +
    'to the stops: where stops are given, the old ones fall.',
  fields: (t) => ({
    routeId: t.id({ required: true, description: 'The route.' }),
    vehicleId: t.id({ description: 'Another vehicle; null: none any more.' }),
    stops: t.field({
      type: [RouteStopInput],
      description: 'The whole new way, 1 to 100 stops; null leaves them as they are.',
    }),
    path: t.field({ type: [RoutePointInput], description: `${PATH} Null: no line any more.` }),
    distanceM: t.float({ description: 'Its new length; null: not known any more.' }),
    durationS: t.float({ description: 'How long it is to take now; null: not known any more.' }),
    source: t.field({
      type: AdjustSourceRef,
      defaultValue: 'DISPATCHER',
      description: 'Who or what found it.',
    }),
    reasonCode: t.field({ type: AdjustReasonRef, required: true, description: 'Why.' }),
    ...commonFields(t),
  }),
});

export const RouteFilterInput = builder.inputType('RouteFilter', {
  description: 'Every given field must fit, with any of its values.',
  fields: (t) => ({
    ids: t.idList({ description: 'These routes.' }),
    vehicleId: t.idList({ description: 'Of these vehicles.' }),
    tenderId: t.idList({ description: 'Planned for these tenders.' }),
    fleetId: t.stringList({ description: 'Planned for these fleets.' }),
  }),
});
