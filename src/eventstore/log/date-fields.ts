import { isDeepStrictEqual } from 'node:util';
import type { z } from 'zod';

/** Where a schema has dates: at this very place, or further in; undefined: nowhere. */
export type DateFields =
  | 'date'
  | { readonly fields: ReadonlyMap<string, DateFields> }
  /** By place in a tuple, and for every further item. */
  | { readonly items: readonly (DateFields | undefined)[]; readonly rest: DateFields | undefined };

/**
 * Finds the dates of a payload's schema. JSON has none, so they stand in it as text: the schema says which text is one.
 * @throws where a schema leaves open whether something is a date, which is a bug of that schema
 */
export function dateFieldsOf(schema: z.core.$ZodType): DateFields | undefined {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case 'date':
      return 'date';
    case 'object':
      return inFields(Object.entries(def.shape));
    case 'array':
      return inItems([], dateFieldsOf(def.element));
    case 'tuple':
      return inItems(def.items.map(dateFieldsOf), def.rest === null ? undefined : dateFieldsOf(def.rest));
    case 'optional':
    case 'nullable':
    case 'nonoptional':
    case 'default':
    case 'prefault':
    case 'readonly':
    case 'catch':
      return dateFieldsOf(def.innerType);
    case 'pipe':
      return dateFieldsOf(def.in);
    case 'union':
      return agreed(def.options.map(dateFieldsOf));
    case 'record':
    case 'map':
    case 'set':
    case 'intersection':
    case 'lazy':
    case 'promise':
      throw new Error(`Dates cannot be told from text in a payload with a ${def.type}.`);
    default:
      return undefined;
  }
}

function inFields(shape: readonly (readonly [string, z.core.$ZodType])[]): DateFields | undefined {
  const fields = new Map<string, DateFields>();
  for (const [name, field] of shape) {
    const dates = dateFieldsOf(field);
    if (dates !== undefined) fields.set(name, dates);
  }
  return fields.size === 0 ? undefined : { fields };
}

function inItems(
  items: readonly (DateFields | undefined)[],
  rest: DateFields | undefined,
): DateFields | undefined {
  return rest === undefined && items.every((item) => item === undefined) ? undefined : { items, rest };
}

function agreed(options: readonly (DateFields | undefined)[]): DateFields | undefined {
  const [first, ...others] = options;
  if (others.every((other) => isDeepStrictEqual(other, first))) return first;
  throw new Error('Dates cannot be told from text in a payload whose alternatives differ in them.');
}
