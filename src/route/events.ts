import { z } from 'zod';
import { defineEvent, type Fact, type Recorded } from '../eventstore/event.ts';
import { dateTime, latitude, longitude, text, uuidText } from '../eventstore/payload.ts';
import { ADJUST_REASON_NAMES, ADJUST_SOURCE_NAMES } from './reasons.ts';

/** The most points that the line of a route may have. */
export const MAX_PATH_POINTS = 500;

/** A place on the way; `sequence` is its place in the order, from 1. */
const stop = z.object({
  sequence: z.int().min(1),
  name: text,
  longitude,
  latitude,
  plannedArrival: dateTime.optional(),
});

/** What is planned; an adjustment replaces it as a whole. */
const plan = z.object({
  vehicleId: uuidText.optional(),
  stops: z.array(stop).min(1).max(100),
  // Positions as GeoJSON has them (RFC 7946), longitude first. An adjustment carries two of these lines, and an
  // event is at most 64 KiB: a point takes 32 bytes.
  path: z
    .array(z.tuple([longitude, latitude]))
    .min(2)
    .max(MAX_PATH_POINTS)
    .optional(),
  distanceM: z.number().min(0).max(1e9).optional(),
  durationS: z.number().min(0).max(1e9).optional(),
});

export const routeEvents = [
  defineEvent({
    type: 'RoutePlanned',
    version: 1,
    aggregateType: 'Route',
    effect: 'decision',
    doc: 'The way of a vehicle through stops was planned.',
    payload: plan.extend({
      name: text.optional(),
      tenderId: uuidText.optional(),
      fleetId: text.optional(),
    }),
  }),
  defineEvent({
    type: 'RouteAdjusted',
    version: 1,
    aggregateType: 'Route',
    effect: 'decision',
    doc: 'The plan was replaced: what it was, what it is, who found that it must change, and (reasonCode) why.',
    payload: z.object({ before: plan, after: plan, source: z.enum(ADJUST_SOURCE_NAMES) }),
    reasonCodes: ADJUST_REASON_NAMES,
  }),
] as const;

export type RouteEvent = Recorded<(typeof routeEvents)[number]>;
export type RouteFact = Fact<(typeof routeEvents)[number]>;
export type RouteStop = z.infer<typeof stop>;
export type RoutePlan = z.infer<typeof plan>;
