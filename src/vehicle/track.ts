import { builder } from '../builder.ts';
import { connectionOf, decodeCursor, encodeCursor, pageSize } from '../connection.ts';
import type { Context } from '../context.ts';
import { invalidInput } from '../errors.ts';
import { toUuid } from '../global-id.ts';
import { type Fix, type FixEvent, FixRef, fixOf } from './objects.ts';
import { vehicle } from './vehicle.ts';

/** A place between two fixes of a track: by occurredAt, then in the order of recording. */
interface TrackPlace {
  readonly at: number;
  readonly sequence: number;
}

const placeOf = ({ occurredAt, sequence }: FixEvent): TrackPlace => ({ at: occurredAt.getTime(), sequence });

function order(a: TrackPlace, b: TrackPlace): number {
  return a.at - b.at || a.sequence - b.sequence;
}

/**
 * The fixes of a vehicle between two moments, both included, after a place; oldest first.
 * Reads the whole stream of the vehicle: right for any order of arrival, and not yet served by an index of its own.
 */
async function fixesBetween(
  context: Context,
  vehicleId: string,
  between: { readonly from: Date; readonly to: Date; readonly after?: TrackPlace },
): Promise<FixEvent[]> {
  const { from, to, after } = between;
  const fixes: FixEvent[] = [];
  for await (const event of context.store.readStream(vehicle.type, vehicleId)) {
    if (event.type !== 'LocationTracked' || event.occurredAt < from || event.occurredAt > to) continue;
    const fix = event as FixEvent;
    if (after === undefined || order(placeOf(fix), after) > 0) fixes.push(fix);
  }
  return fixes.sort((a, b) => order(placeOf(a), placeOf(b)));
}

function placeIn(cursor: string | null | undefined): { after?: TrackPlace } {
  if (cursor === null || cursor === undefined) return {};
  const [at, sequence] = decodeCursor(cursor, 2, 'after');
  if (at instanceof Date && typeof sequence === 'number') return { after: { at: at.getTime(), sequence } };
  throw invalidInput('after is no cursor of this list.', 'after');
}

function cursorOf({ event }: Fix): string {
  return encodeCursor([event.occurredAt, event.sequence]);
}

const FixEdge = builder.edgeObject({ name: 'FixEdge', type: FixRef });
const FixConnection = builder.connectionObject({ name: 'FixConnection', type: FixRef }, FixEdge);

builder.queryField('vehicleTrack', (t) =>
  t.field({
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
    resolve: async (_root, { vehicleId, from, to, ...page }, context) => {
      if (from > to) throw invalidInput('from must not be later than to.', 'from');
      const id = toUuid('Vehicle', vehicleId);
      const place = placeIn(page.after);
      const found = id === undefined ? [] : await fixesBetween(context, id, { from, to, ...place });
      const fixes = found.slice(0, pageSize(page).size + 1).map(fixOf);
      return connectionOf(fixes, page, cursorOf);
    },
  }),
);
