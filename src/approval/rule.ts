import type { TenantRows } from '../eventstore/projection/rows.ts';
import type { ApprovalRow } from './projection.ts';
import { DEFAULT_REQUIRED } from './rules.ts';

/** The action that changes the rule: the last one that succeeded is the rule. */
export const RULE_ACTION = 'approval.rule';

/** How many people have to approve what a tenant's people ask for, beside who asks, by the tenant's rule as it is now. */
export async function requiredNow(rows: Pick<TenantRows<ApprovalRow>, 'find'>): Promise<number> {
  const [last] = await rows.find(
    { action: RULE_ACTION, status: 'SUCCEEDED' },
    { sort: { endedAt: -1 }, limit: 1 },
  );
  if (last === undefined) return DEFAULT_REQUIRED;
  const { required }: { readonly required?: unknown } = JSON.parse(last.arguments);
  return typeof required === 'number' ? required : DEFAULT_REQUIRED;
}
