import fc from 'fast-check';
import type { z } from 'zod';

/** Anything that a payload's schema takes, as it is stored: optional fields absent or there, dates from all times. */
export function payloadOf(schema: z.ZodType): fc.Arbitrary<unknown> {
  return anyOf(schema).filter((payload) => {
    const read = schema.safeParse(payload);
    // A text with blanks around it is stored without them.
    return read.success && JSON.stringify(read.data) === JSON.stringify(payload);
  });
}

function anyOf(schema: z.core.$ZodType): fc.Arbitrary<unknown> {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case 'object':
      return fieldsOf(def.shape);
    case 'array':
      return fc.array(anyOf(def.element), { minLength: 2, maxLength: 3 });
    case 'tuple':
      return fc.tuple(...def.items.map(anyOf));
    case 'optional':
      return anyOf(def.innerType);
    case 'string':
      return textOf(schema);
    case 'number':
      return numberOf(schema);
    case 'date':
      return fc.date({ noInvalidDate: true });
    case 'boolean':
      return fc.boolean();
    case 'literal':
      return fc.constantFrom(...def.values);
    case 'enum':
      return fc.constantFrom(...Object.values(def.entries));
    default:
      throw new Error(`No payload has had a ${def.type} yet.`);
  }
}

function fieldsOf(shape: Readonly<Record<string, z.core.$ZodType>>): fc.Arbitrary<unknown> {
  const fields = Object.entries(shape);
  const requiredKeys = fields.filter(([, field]) => !isOptional(field)).map(([name]) => name);
  const known = Object.fromEntries(fields.map(([name, field]) => [name, anyOf(field)]));
  return fc.record(known, { requiredKeys, noNullPrototype: true });
}

function isOptional(schema: z.core.$ZodType): boolean {
  return (schema as z.core.$ZodTypes)._zod.def.type === 'optional';
}

/** What a check says about itself. */
interface Check {
  readonly check: string;
  readonly pattern?: RegExp;
  readonly value?: number;
}

function checksOf(schema: z.core.$ZodType): Check[] {
  return (schema._zod.def.checks ?? []).map((check) => check._zod.def as Check);
}

function textOf(schema: z.core.$ZodType): fc.Arbitrary<string> {
  const pattern = checksOf(schema).find((check) => check.pattern !== undefined)?.pattern;
  // Property classes are beyond the generator; the schema itself has the last word.
  if (pattern !== undefined && !pattern.unicode) return fc.stringMatching(pattern);
  return fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 });
}

function numberOf(schema: z.core.$ZodType): fc.Arbitrary<number> {
  const checks = checksOf(schema);
  const bound = (kind: string) => checks.find(({ check }) => check === kind)?.value;
  const min = bound('greater_than') ?? -1e6;
  const max = bound('less_than') ?? 1e6;
  const whole = fc.integer({ min: Math.ceil(min), max: Math.min(Math.floor(max), 2 ** 31 - 1) });
  if ('check' in schema._zod.def) return whole;
  return fc.oneof(fc.double({ min, max, noNaN: true }), whole, fc.constant(min < 0 ? -0 : min));
}
