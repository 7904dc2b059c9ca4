import type { RowFilter } from '../eventstore/projection/rows.ts';
import { isPast } from '../eventstore/time/as-of.ts';
import { builder } from '../graphql/builder.ts';
import { requireAccess } from '../graphql/context.ts';
import { toUuid } from '../graphql/global-id.ts';
import { keysetPage, type Order } from '../graphql/paging.ts';
import { allFilters, fieldAmong, rowIds, uuids } from '../graphql/row-conditions.ts';
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
  const filters: RowFilter[] = [];
  if (ids) filters.push(fieldAmong('_id', rowIds(tenantId, 'Route', ids)));
  if (vehicleId) filters.push(fieldAmong('vehicleId', uuids('Vehicle', vehicleId)));
  if (tenderId) filters.push(fieldAmong('tenderId', uuids('Tender', tenderId)));
  if (fleetId) filters.push(fieldAmong('fleetId', fleetId));
  return allFilters(filters);
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
