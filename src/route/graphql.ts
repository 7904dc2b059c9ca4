import type { RowFilter } from '../eventstore/projection/rows.ts';
import { rowId } from '../eventstore/projection.ts';
import { isPast } from '../eventstore/time/as-of.ts';
import { builder } from '../graphql/builder.ts';
import { requireAccess } from '../graphql/context.ts';
import { toUuid } from '../graphql/global-id.ts';
import { keysetPage, type Order } from '../graphql/paging.ts';
import { RouteFilterInput } from './inputs.ts';
import './mutations.ts';
import { RouteRef } from './objects.ts';
import { type RouteRow, routeSummary } from './projection.ts';
import { route } from './route.ts';

/** Ids grow with time, so this is the order of planning. */
const ORDER: Order<RouteRow> = [['_id', 1]];

/** A filter in MongoDB's query language; every given field must fit, with any of its values. */
function rowFilter(
  tenantId: string,
  filter: typeof RouteFilterInput.$inferInput | null | undefined,
): RowFilter {
  const { ids, vehicleId, tenderId, fleetId } = filter ?? {};
  const conditions: RowFilter[] = [];
  const among = (field: string, values: readonly string[]): void => {
    conditions.push({ [field]: values.length === 1 ? values[0] : { $in: [...values] } });
  };
  if (ids)
    among(
      '_id',
      uuids('Route', ids).map((id) => rowId(tenantId, id)),
    );
  if (vehicleId) among('vehicleId', uuids('Vehicle', vehicleId));
  if (tenderId) among('tenderId', uuids('Tender', tenderId));
  if (fleetId) among('fleetId', fleetId);
  return conditions.length === 0 ? {} : { $and: conditions };
}

/** Ids of nothing of ours are the ids of nothing. */
function uuids(type: string, texts: readonly string[]): string[] {
  return texts.map((text) => toUuid(type, text)).filter((id) => id !== undefined);
}

builder.queryFields((t) => ({
  route: t.field({
    type: RouteRef,
    nullable: true,
    authScopes: { tenantWide: true },
    description:
      'One route as it is now, or as it was at `asOf` (by occurredAt), as far as was known at `knownAt` (by recordedAt).',
    args: {
      id: t.arg.id({ required: true, description: 'Its global id, or its bare UUID.' }),
      asOf: t.arg({ type: 'DateTime', description: 'Leaves out what happened later.' }),
      knownAt: t.arg({ type: 'DateTime', description: 'Leaves out what was told later.' }),
    },
    resolve: (_root, { id, asOf, knownAt }, context) => {
      const uuid = toUuid('Route', id);
      if (uuid === undefined) return null;
      // The loader reads it together with the others of this request.
      if (!isPast({ asOf, knownAt })) return uuid;
      return context.store.rowAsOf(route, routeSummary, uuid, { asOf, knownAt });
    },
  }),
  routes: t.connection(
    {
      type: RouteRef,
      authScopes: { tenantWide: true },
      description: 'The routes that match, in pages of 50 unless asked otherwise, at most 200.',
      args: { filter: t.arg({ type: RouteFilterInput, description: 'Which; by default all.' }) },
      resolve: (_root, { filter, ...page }, context) => {
        const own = rowFilter(requireAccess(context).tenantId, filter);
        const rows = context.store.rows(routeSummary);
        return keysetPage(page, ORDER, (query) => rows.find({ $and: [own, query.filter] }, query));
      },
    },
    { name: 'RouteConnection', description: 'A page of routes.' },
    { name: 'RouteEdge' },
  ),
}));
