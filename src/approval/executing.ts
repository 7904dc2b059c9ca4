import type { Store } from '../eventstore/command/store.ts';
import type { ProtectedAction } from '../protected/action.ts';
import type { ApprovalCommand } from './commands.ts';
import type { ApprovalRow } from './projection.ts';

/** What the executor of approvals is given. */
export interface ExecutorOptions {
  readonly actions: readonly ProtectedAction[];
  /** Of these people of a tenant: those whose proofs were revoked since they spoke; nobody unless given. */
  readonly revokedOf?: (tenantId: string, people: readonly Spoken[]) => Promise<readonly string[]>;
  /** Told of each event that the executor records, or that somebody broke the glass, by type. */
  readonly onEvent?: (type: string) => void;
  readonly lookMs?: number;
  readonly leaseMs?: number;
  readonly setAsideMs?: number;
}

/** Who asked or approved, and when. */
export interface Spoken {
  readonly id: string;
  readonly at: Date;
}

/** What the steps of one approval need. */
export interface Executing extends ExecutorOptions {
  readonly store: Store;
  readonly stopping: AbortSignal;
  /** Gives a command to an approval; another process that is at the same thing records it once. */
  give(row: ApprovalRow, command: Bare): Promise<readonly string[]>;
}

/** A command without when and by whom. */
export type Bare = ApprovalCommand extends infer C
  ? C extends ApprovalCommand
    ? Omit<C, 'at' | 'occurredAt' | 'by'>
    : never
  : never;
