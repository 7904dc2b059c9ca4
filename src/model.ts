import { apiKeyCreate } from './approval/api-key-action.ts';
import { approval } from './approval/approval.ts';
import { approvalEvents } from './approval/events.ts';
import { approvalRule } from './approval/rule-action.ts';
import { vehicleCommitment } from './dispatch/commitment.ts';
import type { Aggregate, Command, Workflow } from './eventstore/aggregate.ts';
import type { EventDefinition } from './eventstore/event.ts';
import type { Projection } from './eventstore/projection.ts';
import { dataSubject, subjectEvents } from './personal/subject.ts';
import type { ProtectedAction } from './protected/action.ts';
import { routeEvents } from './route/events.ts';
import { route } from './route/route.ts';
import { tenderEvents } from './tender/events.ts';
import { tender } from './tender/tender.ts';
import { plateEvents, vehicleEvents } from './vehicle/events.ts';
import { licensePlate, plateClaim } from './vehicle/plate.ts';
import { vehicle } from './vehicle/vehicle.ts';

/** Every event type of every context: what the log may hold. */
export const eventDefinitions: readonly EventDefinition[] = [
  ...tenderEvents,
  ...vehicleEvents,
  ...plateEvents,
  ...routeEvents,
  ...approvalEvents,
  ...subjectEvents,
];

/** Every kind of stream of every context. */
export const aggregates: readonly Aggregate<unknown, Command>[] = [
  tender,
  route,
  vehicle,
  licensePlate,
  approval,
  dataSubject,
];

/** Every read model of every context. */
export const projections: readonly Projection[] = aggregates.flatMap((aggregate) => aggregate.projections);

/** What commands ask of streams other than their own; the command path adds it, whoever gives the command. */
export const workflows: readonly Workflow[] = [vehicleCommitment, plateClaim];

/** What no one person may do alone, of every context: approval/ asks for it and does it. */
export const protectedActions: readonly ProtectedAction[] = [approvalRule, apiKeyCreate];

/** For `openStore`: all that the event store is to know of the business. */
export const model = { definitions: eventDefinitions, projections, workflows } as const;
