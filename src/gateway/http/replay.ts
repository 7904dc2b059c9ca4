import { defaultFieldResolver } from '@graphql-tools/executor';
import { type GraphQLFieldConfig, GraphQLObjectType, GraphQLSchema } from 'graphql';
import type { Context } from '../../graphql/context.ts';

/**
 * What the resolvers of a mutation's root fields gave or threw, by the fields' names in the answer: what has been done must
 * not be done again.
 */
export type Outcomes = Map<string, { readonly given: unknown } | { readonly error: unknown }>;

/**
 * The same schema, but that a root field of a mutation whose outcome is known is not executed: it comes to the same. The outcomes
 * are to be given as the root value.
 */
export function replayingSchema(schema: GraphQLSchema): GraphQLSchema {
  const mutation = schema.getMutationType();
  if (mutation === null || mutation === undefined) return schema;
  const { fields, ...rest } = mutation.toConfig();
  const replaying = new GraphQLObjectType({
    ...rest,
    fields: Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, replayingField(field)])),
  });
  const { types, ...config } = schema.toConfig();
  return new GraphQLSchema({
    ...config,
    mutation: replaying,
    types: types.map((type) => (type === mutation ? replaying : type)),
  });
}

function replayingField(field: GraphQLFieldConfig<unknown, Context>): GraphQLFieldConfig<unknown, Context> {
  const resolve = field.resolve ?? defaultFieldResolver;
  return {
    ...field,
    resolve(outcomes, args, context, info) {
      const outcome = outcomes instanceof Map ? (outcomes as Outcomes).get(String(info.path.key)) : undefined;
      if (outcome === undefined) return resolve(undefined, args, context, { ...info, rootValue: undefined });
      if ('error' in outcome) throw outcome.error;
      return outcome.given;
    },
  };
}
