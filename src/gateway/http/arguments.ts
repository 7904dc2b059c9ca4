import { type FieldNode, type GraphQLField, getArgumentValues, isNonNullType, Kind } from 'graphql';
import type { Variables } from './variables.ts';

/** Makes what a resolver gets as its arguments. @throws where one may not be what it is */
type ReadArguments = (variables: Variables) => Record<string, unknown>;

/**
 * Makes the function that reads the arguments which a field is given in a document. Most are variables, or are not given;
 * where another value is among them, graphql makes them all.
 */
export function argumentsReader(definition: GraphQLField<unknown, unknown>, node: FieldNode): ReadArguments {
  if (definition.args.length === 0) return none;
  const given = new Map(node.arguments?.map(({ name, value }) => [name.value, value]));
  const made = definition.args.map((argument) => ({ argument, value: given.get(argument.name) }));
  const plain = made.flatMap(({ argument: { name, type, defaultValue }, value }) => {
    if (value !== undefined && value.kind !== Kind.VARIABLE) return [];
    return [{ name, variable: value?.name.value, isRequired: isNonNullType(type), defaultValue }];
  });
  if (plain.length < made.length) return (variables) => getArgumentValues(definition, node, variables);
  return (variables) => {
    const read: Record<string, unknown> = {};
    for (const { name, variable, isRequired, defaultValue } of plain) {
      if (variable !== undefined && Object.hasOwn(variables, variable)) {
        const value = variables[variable];
        if (value === undefined || (value === null && isRequired))
          throw new Error(`${name} must not be null.`);
        read[name] = value;
      } else if (defaultValue !== undefined) read[name] = defaultValue;
      else if (isRequired) throw new Error(`${name} is not given.`);
    }
    return read;
  };
}

function none(): Record<string, unknown> {
  return {};
}
