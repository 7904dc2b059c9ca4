import type { InputFieldBuilder } from '@pothos/core';
import type { Types } from './builder.ts';

/** The input fields that every mutation has. `reasonCode` is not among them: each mutation has its own list of reasons. */
export interface CommonInput {
  readonly idempotencyKey?: string | null | undefined;
  readonly occurredAt?: Date | null | undefined;
}

/** The longest idempotency key, in characters. */
const MAX_KEY_LENGTH = 255;

/** What is wrong with an idempotency key, as a sentence; undefined where nothing is, or none is given. */
export function keyFault(key: string | null | undefined): string | undefined {
  if (key === '') return 'A key must not be empty.';
  if (key && key.length > MAX_KEY_LENGTH) return `A key has at most ${MAX_KEY_LENGTH} characters.`;
  return undefined;
}

/** Spread into the fields of every mutation's input. */
export function commonFields(t: InputFieldBuilder<Types, 'InputObject'>) {
  return {
    idempotencyKey: t.string({
      description:
        "The caller's name for this intent. A repeat with the same key returns the first result with `repeated: true`. " +
        `At most ${MAX_KEY_LENGTH} characters.`,
    }),
    occurredAt: t.field({ type: 'DateTime', description: 'When it happened, if not now.' }),
  };
}
