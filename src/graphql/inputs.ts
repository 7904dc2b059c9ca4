import type { InputFieldBuilder } from '@pothos/core';
import type { Types } from './builder.ts';

/** The input fields that every mutation has. `reasonCode` is not among them: each mutation has its own list of reasons. */
export interface CommonInput {
  readonly idempotencyKey?: string | null | undefined;
  readonly occurredAt?: Date | null | undefined;
}

/** Spread into the fields of every mutation's input. */
export function commonFields(t: InputFieldBuilder<Types, 'InputObject'>) {
  return {
    idempotencyKey: t.string({
      description:
        "The caller's name for this intent. A repeat with the same key returns the first result with `repeated: true`.",
    }),
    occurredAt: t.field({ type: 'DateTime', description: 'When it happened, if not now.' }),
  };
}
