import type { Access } from '../../access/access.ts';
import { noteAdminAction, readAdminActions } from '../../eventstore/admin-actions.ts';
import type { Store } from '../../eventstore/command/store.ts';
import type { TenantAdmin } from '../../graphql/tenant-admin.ts';
import { protectedActions } from '../../model.ts';

/** Binds protected actions and the admin log to a tenant; nothing in it takes a tenant from its caller. */
export function bindAdmin(store: Store, access: Access): TenantAdmin {
  const { tenantId } = access;
  return {
    actions: protectedActions,
    dryRun: (action, args) => action.dryRun({ store, tenantId }, args),
    note: (action) =>
      noteAdminAction(store.db, { ...action, tenantId, who: { id: access.sub, role: access.role } }),
    noted: (query) => readAdminActions(store.db, { ...query, tenantId }),
  };
}
