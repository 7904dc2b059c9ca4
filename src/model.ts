import { vehicleCommitment } from './dispatch/commitment.ts';
import type { Workflow } from './eventstore/aggregate.ts';
import type { EventDefinition } from './eventstore/event.ts';
import type { Projection } from './eventstore/projection.ts';
import { routeEvents } from './route/events.ts';
import { routeSummary } from './route/projection.ts';
import { tenderEvents } from './tender/events.ts';
import { tendersRead } from './tender/projection.ts';
import { plateEvents, vehicleEvents } from './vehicle/events.ts';
import { plateClaim } from './vehicle/plate.ts';
import { fleetStatus } from './vehicle/projection.ts';

/** Every event type of every context: what the log may hold. */
export const eventDefinitions: readonly EventDefinition[] = [
  ...tenderEvents,
  ...vehicleEvents,
  ...plateEvents,
  ...routeEvents,
];

/** Every read model of every context. */
export const projections: readonly Projection[] = [tendersRead, routeSummary, fleetStatus];

/** What commands ask of streams other than their own; the command path adds it, whoever gives the command. */
export const workflows: readonly Workflow[] = [vehicleCommitment, plateClaim];

/** For `openStore`: all that the event store is to know of the business. */
export const model = { definitions: eventDefinitions, projections, workflows } as const;
