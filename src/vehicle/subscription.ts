import { builder } from '../graphql/builder.ts';
import { AFTER, ChangeRef, type ChangeShape, changeUnion } from '../graphql/change.ts';
import { requireAccess } from '../graphql/context.ts';
import { invalidInput } from '../graphql/errors.ts';
import { encodeGlobalId } from '../graphql/global-id.ts';
import { selectVehicles } from './filter.ts';
import { checkBox, VehicleFilterInput } from './inputs.ts';
import { VehicleRef } from './objects.ts';
import { fleetStatus, type VehicleRow } from './projection.ts';

/** The most frames a second that a subscriber may ask for: as many as a screen shows. */
const MAX_FRAMES_PER_SECOND = 60;

interface Snapshot extends ChangeShape {
  readonly kind: 'snapshot';
  readonly rows: readonly VehicleRow[];
  readonly complete: boolean;
}

interface Moved extends ChangeShape {
  readonly kind: 'moved';
  readonly rows: readonly VehicleRow[];
}

interface Left extends ChangeShape {
  readonly kind: 'left';
  readonly ids: readonly string[];
}

const VehiclesSnapshot = builder.objectRef<Snapshot>('VehiclesSnapshot').implement({
  description: 'Vehicles that matched when the subscription began; it may come in several parts.',
  interfaces: [ChangeRef],
  fields: (t) => ({
    vehicles: t.field({
      type: [VehicleRef],
      description: 'Some or all of them.',
      resolve: ({ rows }) => [...rows],
    }),
    complete: t.exposeBoolean('complete', { description: 'True on the last part; frames follow.' }),
  }),
});

const VehiclesMoved = builder.objectRef<Moved>('VehiclesMoved').implement({
  description: 'A frame: the vehicles that changed since the last one, each as it is now.',
  interfaces: [ChangeRef],
  fields: (t) => ({
    vehicles: t.field({
      type: [VehicleRef],
      description: 'Each once, with its newest fix.',
      resolve: ({ rows }) => [...rows],
    }),
  }),
});

const VehiclesLeft = builder.objectRef<Left>('VehiclesLeft').implement({
  description: 'Vehicles that matched do not match any more: out of the box, say.',
  interfaces: [ChangeRef],
  fields: (t) => ({
    ids: t.idList({
      description: 'Which.',
      resolve: ({ ids }) => ids.map((id) => encodeGlobalId('Vehicle', id)),
    }),
  }),
});

const VehicleChange = changeUnion('VehicleChange', {
  snapshot: VehiclesSnapshot,
  moved: VehiclesMoved,
  left: VehiclesLeft,
});

builder.subscriptionField('vehicleChanges', (t) =>
  t.field({
    type: VehicleChange,
    authScopes: { tenantWide: true },
    description:
      'First the vehicles that match, then frames of those that changed; always the newest fix, never a queue of old ' +
      'ones. Whoever resumes gets the newest fix of what moved meanwhile.',
    args: {
      filter: t.arg({ type: VehicleFilterInput, description: 'Which vehicles; by default all.' }),
      after: t.arg.string({ description: AFTER }),
      maxPerSecond: t.arg.float({
        description: `At most so many frames a second: more than 0, at most ${MAX_FRAMES_PER_SECOND}.`,
      }),
    },
    subscribe: (_root, { filter, after, maxPerSecond }, context) => {
      checkBox(filter?.within);
      const most = maxPerSecond ?? undefined;
      if (most !== undefined && !(most > 0 && most <= MAX_FRAMES_PER_SECOND)) {
        throw invalidInput(
          `maxPerSecond must be more than 0 and at most ${MAX_FRAMES_PER_SECOND}.`,
          'maxPerSecond',
        );
      }
      const { tenantId } = requireAccess(context);
      return context.feed.latest(
        { projection: fleetStatus, ...selectVehicles(tenantId, filter), after },
        most === undefined ? {} : { maxPerSecond: most },
      );
    },
    resolve: (change) => change,
  }),
);
