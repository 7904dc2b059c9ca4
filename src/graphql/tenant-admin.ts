import type { AdminAction, NewAdminAction } from '../eventstore/admin-actions.ts';
import type { Count, ProtectedAction } from '../protected/action.ts';
import type { Refusal } from '../refusal.ts';
import type { PageQuery } from './paging.ts';

/** What is done past the commands of the business, bound to the caller's tenant. */
export interface TenantAdmin {
  /** What no one person may do alone. */
  readonly actions: readonly ProtectedAction[];
  /** What an action would touch if it were done now, or why it cannot be done. */
  dryRun(action: ProtectedAction, args: unknown): Promise<readonly Count[] | Refusal>;
  /** Writes into the admin log. */
  note(action: Omit<NewAdminAction, 'tenantId' | 'who'>): Promise<void>;
  /** Reads the admin log, as far as it is the tenant's own. */
  noted(query: PageQuery & { readonly what?: string | undefined }): Promise<AdminAction[]>;
}
