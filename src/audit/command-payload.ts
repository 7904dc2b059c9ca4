import type { ObjectFieldBuilder } from '@pothos/core';
import type { Command } from '../eventstore/aggregate.ts';
import type { StoredEvent } from '../eventstore/event.ts';
import type { Projection, Row } from '../eventstore/projection.ts';
import type { Types } from '../graphql/builder.ts';
import type { Context, TenantIntent } from '../graphql/context.ts';
import { unlessNewer } from '../graphql/errors.ts';
import { keyFault } from '../graphql/inputs.ts';
import { type Refusal, refusal } from '../refusal.ts';
import { EventRef } from './graphql.ts';

/** What a mutation answers once its command is recorded. It lives here because it shows events. */
export interface CommandPayload<R extends Row> {
  /** The row of what the command was given to, as the command left it. */
  readonly row: R;
  readonly events: readonly StoredEvent[];
  /** True when an earlier submission had recorded it. */
  readonly repeated: boolean;
}

/** What a payload says beside the row: spread into the fields of every payload. */
export function recordedFields<P extends Omit<CommandPayload<Row>, 'row'>>(
  t: ObjectFieldBuilder<Types, P>,
  {
    events = 'What was recorded, in order.',
    repeated = 'True when an earlier submission with the same key had recorded it.',
  } = {},
) {
  return {
    events: t.field({ type: [EventRef], description: events, resolve: (payload) => [...payload.events] }),
    repeated: t.boolean({ description: repeated, resolve: (payload) => payload.repeated }),
  };
}

/**
 * Gives a command on behalf of the caller.
 * @returns the payload with the row of `projection`, or the refusal as the client is to see it
 * @throws NEWER_VERSION; where the command is recorded and there is no row all the same: a bug
 */
export async function give<S, C extends Command, R extends Row>(
  context: Context,
  projection: Projection<R>,
  intent: TenantIntent<S, C>,
): Promise<CommandPayload<R> | Refusal> {
  const fault = keyFault(intent.key);
  if (fault !== undefined) return refusal('INVALID_INPUT', fault, 'idempotencyKey');
  const outcome = await context.store.handle(intent);
  if (outcome.kind === 'refused') return unlessNewer(outcome.refusal);
  const row = outcome.row(projection.name) as R | null;
  if (row === null)
    throw new Error(`${intent.aggregate.type} ${intent.id} has no row after a command to it.`);
  return { row, events: outcome.events, repeated: outcome.repeated };
}
