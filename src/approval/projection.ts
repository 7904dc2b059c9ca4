import type { Actor, StoredEvent } from '../eventstore/event.ts';
import type { Body, Projection, Row } from '../eventstore/projection.ts';
import type { ApprovalEvent, Count } from './events.ts';
import { type ApprovalStatus, type Asked, evolved } from './state.ts';

/** Who approved, and when. */
export interface Vote {
  readonly by: Actor;
  readonly at: Date;
  readonly comment: string | null;
}

/** An approval as people see it. */
export interface ApprovalRow extends Row {
  readonly status: ApprovalStatus;
  readonly action: string;
  /** Canonical JSON. */
  readonly arguments: string;
  readonly hash: string;
  readonly counts: readonly Count[];
  readonly reason: string;
  readonly required: number;
  readonly brokeGlass: boolean;
  readonly askedBy: Actor;
  readonly askedAt: Date;
  readonly votes: readonly Vote[];
  /** When it ends by itself, as things stand. */
  readonly expiresAt: Date;
  /** How often it started anew because it had grown. */
  readonly startedAnew: number;
  readonly endedAt: Date | null;
  readonly endedBy: Actor | null;
  /** Why it was vetoed or called off, or what came of it. */
  readonly summary: string | null;
  /** When something is to be done about it without anybody's asking; absent once it has ended. */
  readonly dueAt?: Date;
}

/** `approvals_read`: one row per approval, written together with its events. */
export const approvalsRead: Projection<ApprovalRow> = {
  name: 'approvals_read',
  version: 1,
  aggregateType: 'Approval',
  mode: 'inline',
  indexes: [
    { keys: { tenantId: 1, askedAt: 1, _id: 1 }, serves: '`approvals`, page by page' },
    { keys: { tenantId: 1, status: 1, askedAt: 1, _id: 1 }, serves: '`approvals` that are in a state' },
    {
      keys: { tenantId: 1, action: 1, status: 1, endedAt: 1 },
      serves: "the tenant's rule, which is the last that was approved",
    },
    {
      keys: { dueAt: 1 },
      partialFilterExpression: { dueAt: { $exists: true } },
      serves: 'what is to be expired or done',
    },
  ],
  evolve: evolveRow,
};

const ENDED: ReadonlySet<ApprovalStatus> = new Set([
  'SUCCEEDED',
  'FAILED',
  'REJECTED',
  'EXPIRED',
  'CANCELLED',
]);

function evolveRow(row: ApprovalRow | null, stored: StoredEvent): Body<ApprovalRow> | null {
  const event = stored as ApprovalEvent;
  const before = row === null ? null : askedOf(row);
  const asked = evolved(before, event);
  if (asked === null) return null;
  const { approvedBy: _, ...shown } = asked;
  const ended = ENDED.has(asked.status);
  const common = {
    ...shown,
    endedAt: ended ? event.recordedAt : null,
    endedBy: ended ? event.actor : null,
    ...dueOf(asked, event),
  };
  if (row === null || event.type === 'ApprovalRequested') return { ...common, ...begun(event) };
  return {
    ...common,
    reason: row.reason,
    brokeGlass: row.brokeGlass || event.type === 'ApprovalGlassBroken',
    askedAt: row.askedAt,
    votes: votesAfter(row.votes, event),
    startedAnew: row.startedAnew + (event.type === 'ApprovalStartedAnew' ? 1 : 0),
    summary: wordsOf(event) ?? row.summary,
  };
}

function begun(
  event: ApprovalEvent,
): Pick<ApprovalRow, 'reason' | 'brokeGlass' | 'askedAt' | 'votes' | 'startedAnew' | 'summary'> {
  const reason = event.type === 'ApprovalRequested' ? event.payload.reason : '';
  return { reason, brokeGlass: false, askedAt: event.recordedAt, votes: [], startedAnew: 0, summary: null };
}

function askedOf({
  status,
  action,
  arguments: args,
  hash,
  counts,
  required,
  askedBy,
  votes,
  expiresAt,
}: ApprovalRow): Asked {
  const approvedBy = votes.map(({ by }) => by);
  return { status, action, arguments: args, hash, counts, required, askedBy, approvedBy, expiresAt };
}

function votesAfter(votes: readonly Vote[], event: ApprovalEvent): readonly Vote[] {
  if (event.type === 'ApprovalStartedAnew') return [];
  if (event.type !== 'ApprovalVoted') return votes;
  const { comment = null } = event.payload;
  return [...votes, { by: event.actor, at: event.recordedAt, comment }];
}

function wordsOf(event: ApprovalEvent): string | null {
  if (event.type === 'ApprovalSucceeded' || event.type === 'ApprovalFailed') return event.payload.summary;
  if (event.type === 'ApprovalRejected' || event.type === 'ApprovalCancelled')
    return event.payload.reason ?? null;
  return null;
}

function dueOf({ status, expiresAt }: Asked, { recordedAt }: ApprovalEvent): { dueAt?: Date } {
  if (status === 'REQUESTED') return { dueAt: expiresAt };
  return status === 'APPROVED' || status === 'EXECUTING' ? { dueAt: recordedAt } : {};
}
