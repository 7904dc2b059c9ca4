import {
  type GraphQLInputObjectType,
  type GraphQLInputType,
  type GraphQLSchema,
  isInputObjectType,
  isInputType,
  isListType,
  isNonNullType,
  type OperationDefinitionNode,
  typeFromAST,
  valueFromAST,
} from 'graphql';

/** Variables by name: as a client gave them, or as resolvers get them. What is absent is not there, what is null is null. */
export type Variables = Readonly<Record<string, unknown>>;

/** Makes what resolvers get of what a client gave. @throws where it does not fit; what is wrong, the interpreter says */
type Coerce = (value: unknown) => unknown;

/**
 * Makes the function that reads an operation's variables. They come out as from the interpreter, which keeps for each value
 * where it stands: it needs that for errors only, and a batch of fixes is read in a fraction of the time without it.
 * @throws where a value does not fit
 */
export function variablesReader(
  schema: GraphQLSchema,
  { variableDefinitions = [] }: OperationDefinitionNode,
): (given: Variables) => Variables {
  const readers = variableDefinitions.map(({ variable, type: typeNode, defaultValue }) => {
    const name = variable.name.value;
    const type = typeFromAST(schema, typeNode);
    if (!isInputType(type)) throw new Error(`$${name} is of no input type.`);
    const coerce = coercionOf(type);
    return (given: Variables, read: Record<string, unknown>): void => {
      if (Object.hasOwn(given, name)) read[name] = coerce(given[name]);
      else if (defaultValue !== undefined) read[name] = valueFromAST(defaultValue, type);
      else if (isNonNullType(type)) throw unfit(type);
    };
  });
  return (given) => {
    const read: Record<string, unknown> = {};
    for (const reader of readers) reader(given, read);
    return read;
  };
}

const known = new WeakMap<GraphQLInputType, Coerce>();

function coercionOf(type: GraphQLInputType): Coerce {
  const made = known.get(type) ?? makeCoercion(type);
  known.set(type, made);
  return made;
}

function makeCoercion(type: GraphQLInputType): Coerce {
  if (isNonNullType(type)) {
    const coerce = coercionOf(type.ofType);
    return (value) => {
      if (value === null || value === undefined) throw unfit(type);
      return coerce(value);
    };
  }
  if (isListType(type)) {
    const coerce = coercionOf(type.ofType);
    return orNull((value) => {
      if (typeof value !== 'object' || value === null || !(Symbol.iterator in value)) return [coerce(value)];
      return Array.from(value as Iterable<unknown>, (item) => coerce(item));
    });
  }
  if (isInputObjectType(type)) return orNull(objectCoercion(type));
  return orNull((value) => {
    const parsed: unknown = type.parseValue(value);
    if (parsed === undefined) throw unfit(type);
    return parsed;
  });
}

function orNull(coerce: Coerce): Coerce {
  return (value) => (value === null || value === undefined ? null : coerce(value));
}

function objectCoercion(type: GraphQLInputObjectType): Coerce {
  const definitions = type.getFields();
  // Made when first needed: a type may have fields of its own type.
  let fields: readonly (readonly [name: string, coerce: Coerce, isRequired: boolean, byDefault: unknown])[];
  const makeFields = () =>
    Object.values(definitions).map(
      ({ name, type: of, defaultValue }) =>
        [name, coercionOf(of), isNonNullType(of) && defaultValue === undefined, defaultValue] as const,
    );
  return (value) => {
    // Of a type whose fields exclude each other there are more rules than are known here.
    if (typeof value !== 'object' || value === null || Array.isArray(value) || type.isOneOf)
      throw unfit(type);
    const given = value as Variables;
    const read: Record<string, unknown> = {};
    let found = 0;
    fields ??= makeFields();
    for (const [name, coerce, isRequired, byDefault] of fields) {
      const field = given[name];
      if (field !== undefined) {
        read[name] = coerce(field);
        found += 1;
      } else if (byDefault !== undefined) read[name] = byDefault;
      else if (isRequired) throw unfit(type);
    }
    const names = Object.keys(given);
    if (names.length !== found && names.some((name) => definitions[name] === undefined)) throw unfit(type);
    return read;
  };
}

function unfit(type: GraphQLInputType): Error {
  return new Error(`A value does not fit ${type}.`);
}
