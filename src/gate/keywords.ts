/** A JSON Schema (draft 2020-12) as its keywords. */
export type Keywords = Readonly<Record<string, unknown>>;

/** The schema that no value fits, which JSON Schema also writes as `false`. */
export const NOTHING: Keywords = { not: {} };

/** A schema's keywords: `true` and what is absent allow everything and have none. */
export function asSchema(schema: unknown): Keywords {
  if (schema === false) return NOTHING;
  return typeof schema === 'object' && schema !== null ? Object.fromEntries(Object.entries(schema)) : {};
}

export function asList(list: unknown): readonly unknown[] {
  return Array.isArray(list) ? list : [];
}

/** The schema that a reference into `root` stands for. @throws for a reference to what is not there */
export function resolve(schema: Keywords, root: Keywords): Keywords {
  if (typeof schema.$ref !== 'string') return schema;
  const { $ref, ...beside } = schema;
  const steps = $ref.split('/').slice(1);
  const target = steps.reduce<unknown>((at, step) => asSchema(at)[step], root);
  if (target === undefined) throw new Error(`A schema refers to ${$ref}, which it does not contain.`);
  return resolve({ ...asSchema(target), ...beside }, root);
}

/** The types that a schema allows; undefined for any. */
export function kindsOf(schema: Keywords): readonly string[] | undefined {
  const { type } = schema;
  if (type !== undefined) return Array.isArray(type) ? type.map(String) : [String(type)];
  return valuesOf(schema)?.map(kindOf);
}

/** The only values that a schema allows, where it names them. */
export function valuesOf({ enum: values, const: value }: Keywords): readonly unknown[] | undefined {
  if (Array.isArray(values)) return values;
  return value === undefined ? undefined : [value];
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}
