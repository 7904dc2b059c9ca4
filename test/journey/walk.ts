import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLInputType,
  type GraphQLOutputType,
  getNamedType,
  isAbstractType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
} from 'graphql';
import { schema } from '../../src/schema.ts';

/** For those who ask for all that the schema has, many levels deep: more than an operation may cost otherwise. */
export const NO_COST_LIMITS = {
  ...{ maxCost: 100_000_000, maxCostCarrier: 100_000_000, maxCostDevice: 100_000_000 },
  ...{ rate: 0, rateCarrier: 0, rateDevice: 0 },
} as const;

type RootField = GraphQLField<unknown, unknown>;

/** Values for arguments and input fields by their name; what has none gets one that fits its type. */
export type Known = Readonly<Record<string, unknown>>;

export interface Operation {
  readonly name: string;
  readonly document: string;
  readonly variables: Record<string, unknown>;
}

/** How deep a selection goes below the root field. */
const DEPTH = 5;

/** All root fields of a kind. */
export function rootFields(kind: 'query' | 'mutation' | 'subscription'): readonly RootField[] {
  const type = {
    query: schema.getQueryType(),
    mutation: schema.getMutationType(),
    subscription: schema.getSubscriptionType(),
  };
  return Object.values(type[kind]?.getFields() ?? {});
}

/** An operation that asks a root field for everything it can say, with required arguments and those that are known. */
export function operation(
  kind: 'query' | 'mutation' | 'subscription',
  field: RootField,
  known: Known,
): Operation {
  const args = field.args.filter(
    (arg) => isRequiredArgument(arg) || arg.name in known || holdsKnown(arg, known),
  );
  const heads = args.map((arg) => `$${arg.name}: ${arg.type}`);
  const calls = args.map((arg) => `${arg.name}: $${arg.name}`);
  const list = (items: string[]): string => (items.length === 0 ? '' : `(${items.join(', ')})`);
  return {
    name: field.name,
    document: `${kind} ${list(heads)} { ${field.name}${list(calls)} ${selection(field.type, DEPTH)} }`,
    variables: Object.fromEntries(args.map((arg) => [arg.name, value(arg, known)])),
  };
}

/** Filters are optional, but a filter for what is known is what a curious caller would try. */
function holdsKnown(arg: GraphQLArgument, known: Known): boolean {
  const type = getNamedType(arg.type);
  return isInputObjectType(type) && Object.keys(type.getFields()).some((name) => name in known);
}

function selection(type: GraphQLOutputType, depth: number): string {
  const named = getNamedType(type);
  if (isLeafType(named)) return '';
  const parts = ['__typename'];
  const types = isAbstractType(named) ? schema.getPossibleTypes(named) : isObjectType(named) ? [named] : [];
  for (const object of types)
    parts.push(`... on ${object.name} { ${fieldsOf(object.getFields(), object.name, depth)} }`);
  return `{ ${parts.join(' ')} }`;
}

function fieldsOf(fields: Record<string, RootField>, prefix: string, depth: number): string {
  const chosen = Object.values(fields)
    .filter((field) => !field.args.some(isRequiredArgument))
    .filter((field) => depth > 1 || isLeafType(getNamedType(field.type)))
    // Two members of a union may give one name different types: each gets a name of its own.
    .map((field) => `${prefix}_${field.name}: ${field.name} ${selection(field.type, depth - 1)}`);
  return `__typename ${chosen.join(' ')}`;
}

function value(input: GraphQLArgument | GraphQLInputField, known: Known): unknown {
  const given = known[input.name];
  return given === undefined
    ? fitting(input.type, known)
    : isList(input.type) && !Array.isArray(given)
      ? [given]
      : given;
}

function isList(type: GraphQLInputType): boolean {
  return isListType(isNonNullType(type) ? type.ofType : type);
}

/** A value that passes the type's own checks. */
function fitting(type: GraphQLInputType, known: Known): unknown {
  if (isNonNullType(type)) return fitting(type.ofType, known);
  if (isListType(type)) return [fitting(type.ofType, known)];
  if (isEnumType(type)) return type.getValues()[0]?.name;
  if (isInputObjectType(type)) {
    const fields = Object.values(type.getFields()).filter(
      (field) => isRequiredInputField(field) || field.name in known,
    );
    return Object.fromEntries(fields.map((field) => [field.name, value(field, known)]));
  }
  switch (type.name) {
    case 'Int':
    case 'Float':
      return 1;
    case 'Boolean':
      return true;
    case 'DateTime':
      return new Date().toISOString();
    default:
      return 'x';
  }
}
