import { UUID } from 'mongodb';
import { noteAdminAction } from '../../eventstore/admin-actions.ts';
import type { Store } from '../../eventstore/command/store.ts';
import type { Projection } from '../../eventstore/projection.ts';
import { type RebuiltRow, rebuildRow } from '../../eventstore/rebuild/row.ts';
import { toUuid } from '../../graphql/global-id.ts';
import { StartupError } from '../../mongo/startup-error.ts';
import { operator } from '../../process/operator.ts';

/**
 * Rebuilds one row.
 * @param id a UUID, as the API gives it or bare; or `tenant/UUID`, the row's `_id`
 * @param tenant whose it is; found out where it is not said
 * @returns what became of it, in words
 * @throws StartupError where it is nothing of which this read model has a row
 */
export async function rebuildOne(
  store: Store,
  projection: Projection,
  id: string,
  tenant: string | undefined,
): Promise<string> {
  const [named, text] = id.includes('/') ? id.split('/', 2) : [tenant, id];
  const uuid = toUuid(projection.aggregateType, text ?? '');
  if (uuid === undefined) throw new StartupError(`${id} is no id of a ${projection.aggregateType}.`);
  const tenantId = named ?? (await ownerOf(store, projection, uuid));
  await noteAdminAction(store.db, {
    who: operator(),
    what: 'rebuild row',
    tenantId,
    details: { projection: projection.name, tenantId, id: uuid },
  });
  const rebuilt = await rebuildRow(store, projection, tenantId, uuid);
  const { before, after } = rebuilt;
  await noteAdminAction(store.db, {
    who: operator(),
    what: 'rebuild row ended',
    tenantId,
    ...(before === null ? {} : { before: { lastSequence: before.lastSequence } }),
    ...(after === null ? {} : { after: { lastSequence: after.lastSequence } }),
    details: { projection: projection.name, id: uuid },
  });
  if (rebuilt.before === null && rebuilt.after === null)
    throw new StartupError(`Tenant ${tenantId} has no ${projection.aggregateType} ${uuid}.`);
  return `${projection.name} ${tenantId}/${uuid}: ${outcomeOf(rebuilt)}`;
}

/** The tenant that has it: tenants are few, and the stream index leaps from one to the next. */
async function ownerOf(store: Store, { aggregateType }: Projection, uuid: string): Promise<string> {
  const tenantIds = await store.events.distinct('tenantId');
  const stream = { tenantId: { $in: tenantIds }, aggregateType, aggregateId: new UUID(uuid) };
  const owners = await store.events.distinct('tenantId', stream);
  const [owner, another] = owners;
  if (owner === undefined) throw new StartupError(`There is no ${aggregateType} ${uuid}.`);
  if (another !== undefined)
    throw new StartupError(`${owners.join(' and ')} both have a ${aggregateType} ${uuid}: say --tenant.`);
  return owner;
}

function outcomeOf({ before, after }: RebuiltRow): string {
  if (after === null) return 'removed, since its stream has no row';
  if (before === null) return `put back, with ${after.lastSequence} events`;
  const moved = before.lastSequence === after.lastSequence ? '' : `; it stood at ${before.lastSequence}`;
  return `rebuilt from ${after.lastSequence} events${moved}`;
}
