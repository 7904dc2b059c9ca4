import {
  defaultFieldResolver,
  type GraphQLField,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isCompositeType,
  isListType,
  isObjectType,
} from 'graphql';
import type { Context } from './context.ts';
import type { Pace } from './pace.ts';

/** After so many objects of a list it is asked whether to rest. */
const OBJECTS = 10;

/**
 * Has lists of objects be worked on at the operation's pace, whoever executes it: where there is one, items beyond the first few
 * are handed over as promises.
 */
export function paceLists(schema: GraphQLSchema): GraphQLSchema {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__')) continue;
    for (const field of Object.values(type.getFields()))
      if (isListType(getNullableType(field.type)) && isCompositeType(getNamedType(field.type)))
        paceList(field);
  }
  return schema;
}

function paceList(field: GraphQLField<unknown, Context>): void {
  const resolve = field.resolve ?? defaultFieldResolver;
  field.resolve = (root, args, context, info) => {
    const value: unknown = resolve(root, args, context, info);
    const { pace } = context;
    if (pace === undefined) return value;
    return value instanceof Promise ? value.then((settled) => paced(settled, pace)) : paced(value, pace);
  };
}

function paced(value: unknown, pace: Pace): unknown {
  if (!Array.isArray(value)) return value;
  pace.count(value.length);
  if (value.length <= OBJECTS) return value;
  let turn: Promise<void> = Promise.resolve();
  return value.map((item: unknown, index) => {
    if (index < OBJECTS) return item;
    if (index % OBJECTS === 0) turn = turn.then(() => pace.rest());
    return turn.then(() => item);
  });
}
