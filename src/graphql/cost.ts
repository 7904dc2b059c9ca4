import type { GraphQLField } from 'graphql';

/**
 * What executing a field takes, in points, where its type does not tell. A point is meant as about a microsecond of the process (estimated): what one
 * value of an answer takes, from the row to the text.
 */
export interface FieldCost {
  /** For the field itself, beside what is selected below it: a look-up, a fold. */
  readonly points?: number;
  /** For each item of a list among its arguments: a fix of a batch, an id. */
  readonly perItem?: number;
  /** How many items its list has, as far as one can tell before. */
  readonly size?: number;
}

/** For `extensions` of a field. */
export function costs(cost: FieldCost): { readonly cost: FieldCost } {
  return { cost };
}

/** What was said of a field by `costs`. */
export function costOf({ extensions }: GraphQLField<unknown, unknown>): FieldCost {
  return (extensions.cost as FieldCost | undefined) ?? {};
}
