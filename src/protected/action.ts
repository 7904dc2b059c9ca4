import type { z } from 'zod';
import type { Store } from '../eventstore/command/store.ts';
import type { Actor, Role } from '../eventstore/event.ts';
import { complaintOf } from '../eventstore/payload.ts';
import { type Refusal, refusal } from '../refusal.ts';

// What no one person may do alone. A context says what of its own is protected, by `defineProtectedAction`, and model.ts lists it;
// approval/ asks several people, and its executor does it once they agree.

/** How much of one kind of thing an action would touch. */
export interface Count {
  readonly name: string;
  readonly count: number;
}

/** Where an action is tried or done. */
export interface ActionGround {
  readonly store: Store;
  readonly tenantId: string;
}

/** What an action that is done knows beside that. */
export interface Execution extends ActionGround {
  /** The approval: the name of what is done, by which it is recognised when it is begun a second time. */
  readonly approvalId: string;
  readonly askedBy: Actor;
  /** Empty where one person alone broke the glass. */
  readonly approvedBy: readonly Actor[];
  /** Aborted once another process does it, or this one ends. */
  readonly signal: AbortSignal;
}

/** What came of it, in a sentence for those who asked and approved; shown in the API, so nothing secret or personal. */
export type ActionOutcome =
  | { readonly kind: 'done'; readonly summary: string }
  | { readonly kind: 'failed'; readonly summary: string };

/** An action that several people have to agree to. */
export interface ProtectedAction {
  /** `api-key.create`: context and verb. Never changed: approvals in the log have it. */
  readonly name: string;
  /** What it does, for who is to approve it. */
  readonly doc: string;
  readonly mayAsk: readonly Role[];
  /** Who may approve, veto and cancel. */
  readonly mayVote: readonly Role[];
  /** Whether one person alone may do it in an emergency. */
  readonly breakGlass: boolean;
  /** The arguments as they are kept, or what is wrong with them. */
  read(given: unknown): { readonly arguments: unknown } | { readonly refusal: Refusal };
  /** What it would touch if it were done now; changes nothing. A refusal where it could not be done. */
  dryRun(ground: ActionGround, args: unknown): Promise<readonly Count[] | Refusal>;
  /**
   * Does it. May be called again with the same `approvalId` after a process was killed in the middle: what is done already is
   * not done twice. What it throws is logged, and it is tried again; what cannot be done for good is `failed`.
   */
  execute(execution: Execution, args: unknown): Promise<ActionOutcome>;
}

/** A protected action as its context writes it. */
export interface ActionDefinition<A> extends Omit<ProtectedAction, 'read' | 'dryRun' | 'execute'> {
  readonly arguments: z.ZodType<A>;
  dryRun(ground: ActionGround, args: A): Promise<readonly Count[] | Refusal>;
  execute(execution: Execution, args: A): Promise<ActionOutcome>;
}

/** Declares a protected action; its arguments are read by their schema wherever they come from. */
export function defineProtectedAction<A>(definition: ActionDefinition<A>): ProtectedAction {
  const { arguments: schema, ...rest } = definition;
  return {
    ...rest,
    read(given) {
      const read = schema.safeParse(given);
      if (read.success) return { arguments: read.data };
      const { field, message } = complaintOf(read.error, 'arguments');
      return {
        refusal: refusal('INVALID_INPUT', message, field === '' ? 'arguments' : `arguments.${field}`),
      };
    },
    dryRun: (ground, args) => definition.dryRun(ground, schema.parse(args)),
    execute: (execution, args) => definition.execute(execution, schema.parse(args)),
  };
}
