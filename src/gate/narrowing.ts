import { isDeepStrictEqual } from 'node:util';
import { narrowedBounds } from './bounds.ts';
import { asList, asSchema, type Keywords, kindsOf, NOTHING, resolve, valuesOf } from './keywords.ts';

/** Say something to people, and nothing about values. */
const ANNOTATIONS =
  /^(\$schema|\$id|\$comment|\$defs|title|description|default|examples|deprecated|readOnly|writeOnly|x-(?!bsonType$).*)$/;
/** Judged below, one by one. */
const JUDGED =
  /^(\$ref|type|enum|const|properties|required|additionalProperties|items|prefixItems|propertyNames|anyOf|oneOf)$/;
const BOUNDS =
  /^((exclusive)?(Minimum|Maximum)|minimum|maximum|multipleOf|(min|max)(Length|Items|Properties))$/;
/** Only ever forbid something: without them more is allowed. Whether another one forbids more, nobody can tell. */
const PROHIBITIONS = /^(pattern|format|uniqueItems|not|allOf|contains|contentEncoding|dependentRequired)$/;

/**
 * What a reader of old values could trip over when `after` takes the place of `before`: fields that it does not know
 * any more, and values that it does not allow any more. Where it cannot be told, it counts as narrowed.
 * @returns clauses like `stops[].name was removed or renamed`; none where `after` only adds and widens
 */
export function findNarrowings(before: Keywords, after: Keywords): string[] {
  return narrowings({ before, after, place: '', roots: [before, after], met: new Set() });
}

interface Pair {
  readonly before: Keywords;
  readonly after: Keywords;
  /** `stops[].name`; empty for the payload itself. */
  readonly place: string;
  /** Where references point into. */
  readonly roots: readonly [before: Keywords, after: Keywords];
  /** Pairs with references that are being compared. */
  readonly met: ReadonlySet<string>;
}

function narrowings(pair: Pair): string[] {
  if (isDeepStrictEqual(pair.before, NOTHING)) return [];
  const { met, roots } = pair;
  // A schema that contains itself is compared with its counterpart once.
  const key = JSON.stringify([pair.before, pair.after]);
  if (met.has(key)) return [];
  const inner = key.includes('"$ref"') ? { ...pair, met: new Set([...met, key]) } : pair;
  const before = alternativesOf(pair.before, roots[0]);
  const after = alternativesOf(pair.after, roots[1]);
  return before.flatMap((old) => {
    const found = after.map((one) => narrowingsOfOne({ ...inner, before: old, after: one }));
    const least = found.sort((a, b) => a.length - b.length)[0] ?? [];
    if (after.length === 1 && before.length === 1) return least;
    if (least.length === 0) return [];
    // Of several alternatives none takes it: named by what is gone, where it is not just one that was narrowed.
    const kin = after.some((one) => kindsOf(one)?.some((kind) => kindsOf(old)?.includes(kind)));
    return kin ? least : [`${named(pair.place)} no longer allows ${describe(old)}`];
  });
}

/**
 * What may stand there, one type each. `oneOf` is taken for `anyOf`: zod writes it where alternatives exclude each
 * other.
 */
function alternativesOf(schema: Keywords, root: Keywords): readonly Keywords[] {
  const { anyOf, oneOf, ...common } = resolve(schema, root);
  const list = asList(anyOf ?? oneOf);
  if (list.length > 0) return list.flatMap((one) => alternativesOf({ ...common, ...asSchema(one) }, root));
  const { type } = common;
  return Array.isArray(type) ? type.map((one) => ({ ...common, type: one })) : [common];
}

function narrowingsOfOne(pair: Pair): string[] {
  const kinds = narrowedKinds(pair);
  if (kinds.length > 0) return kinds;
  return [
    ...narrowedValues(pair),
    ...narrowedBounds(pair.before, pair.after).map((clause) => `${named(pair.place)} ${clause}`),
    ...narrowedFields(pair),
    ...narrowedParts(pair),
    ...narrowedOtherwise(pair),
  ];
}

function narrowedKinds({ before, after, place }: Pair): string[] {
  const [had, has] = [kindsOf(before), kindsOf(after)];
  if (has === undefined) return [];
  const fits = (kind: string): boolean =>
    has.includes(kind) || (kind === 'integer' && has.includes('number'));
  if (had?.every(fits)) return [];
  return [`${named(place)} was of type ${had?.join(' or ') ?? 'any'} and became ${has.join(' or ')}`];
}

function narrowedValues({ before, after, place }: Pair): string[] {
  const [had, has] = [valuesOf(before), valuesOf(after)];
  if (has === undefined) return [];
  if (had === undefined) return [`${named(place)} became a closed list`];
  const gone = had.filter((value) => !has.some((each) => isDeepStrictEqual(each, value)));
  return gone.map((value) => `${named(place)} no longer allows ${JSON.stringify(value)}`);
}

function narrowedFields(pair: Pair): string[] {
  const { before, after, place } = pair;
  const [had, has] = [asSchema(before.properties), asSchema(after.properties)];
  const wasRequired = asList(before.required);
  const path = (name: string): string => (place === '' ? name : `${place}.${name}`);
  const known = Object.keys(had).flatMap((name) =>
    name in has
      ? narrowings({ ...pair, before: asSchema(had[name]), after: asSchema(has[name]), place: path(name) })
      : [`${path(name)} was removed or renamed`],
  );
  const demanded = asList(after.required)
    .map(String)
    .filter((name) => !wasRequired.includes(name))
    .map((name) => `${path(name)} ${name in had ? 'became' : 'is new and'} required`);
  return [...known, ...demanded];
}

/** What lists hold, what further fields hold, what keys look like. */
function narrowedParts(pair: Pair): string[] {
  const { before, after, place } = pair;
  const part = (keyword: string, inner: string): string[] =>
    after[keyword] === undefined
      ? []
      : narrowings({
          ...pair,
          before: asSchema(before[keyword]),
          after: asSchema(after[keyword]),
          place: inner,
        });
  const [had, has] = [asList(before.prefixItems), asList(after.prefixItems)];
  if (had.length !== has.length) return [`${named(place)} has ${has.length} places instead of ${had.length}`];
  const closed = after.additionalProperties === false && before.additionalProperties !== false;
  return [
    ...had.flatMap((one, index) =>
      narrowings({
        ...pair,
        before: asSchema(one),
        after: asSchema(has[index]),
        place: `${place}[${index}]`,
      }),
    ),
    ...part('items', `${place}[]`),
    ...(closed
      ? [`${named(place)} became closed to further fields`]
      : part('additionalProperties', `${place}.*`)),
    ...part('propertyNames', `the keys of ${named(place)}`),
  ];
}

/** Keywords that can only be compared as a whole; those that nobody here knows, too. */
function narrowedOtherwise({ before, after, place }: Pair): string[] {
  const keywords = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keywords]
    .filter((keyword) => !ANNOTATIONS.test(keyword) && !JUDGED.test(keyword) && !BOUNDS.test(keyword))
    .filter((keyword) => !isDeepStrictEqual(before[keyword], after[keyword]))
    .filter((keyword) => !(PROHIBITIONS.test(keyword) && after[keyword] === undefined))
    .map((keyword) => {
      const was = before[keyword] === undefined ? 'none' : JSON.stringify(before[keyword]);
      const is = after[keyword] === undefined ? 'none' : JSON.stringify(after[keyword]);
      return `${named(place)} has the ${keyword} ${is} instead of ${was}`;
    });
}

function describe(schema: Keywords): string {
  const values = valuesOf(schema);
  return (
    values?.map((value) => JSON.stringify(value)).join(', ') ?? kindsOf(schema)?.join(', ') ?? 'anything'
  );
}

function named(place: string): string {
  return place === '' ? 'the payload' : place;
}
