import type { Access } from '../../access/access.ts';
import type { Limit } from '../../metrics/limits.ts';

/** Callers by how much they need: a board asks for more than a partner's system, and that for more than a phone. */
export type CallerKind = 'staff' | 'carrier' | 'device';

/** A limit for each kind, with its name in the metrics. */
export type LimitByKind = Readonly<Record<CallerKind, readonly [limit: number, label: Limit]>>;

export function kindOf({ role }: Pick<Access, 'role'>): CallerKind {
  if (role === 'carrier') return 'carrier';
  return role === 'driver' || role === 'rider' ? 'device' : 'staff';
}
