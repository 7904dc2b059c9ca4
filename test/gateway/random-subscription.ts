import fc, { type GeneratorValue } from 'fast-check';
import {
  type GraphQLField,
  type GraphQLObjectType,
  getNamedType,
  isLeafType,
  isObjectType,
  isRequiredArgument,
  isUnionType,
} from 'graphql';
import { schema } from '../../src/schema.ts';

const DEPTH = 3;

/**
 * Writes a valid document over a root field in random words: aliases, fragments of both kinds, directives, fields in
 * fields. Its variables are `$yes` and `$no`, both with defaults.
 */
export function randomSubscription(g: GeneratorValue, rootField: string): string {
  const fragments: string[] = [];
  let aliases = 0;
  const maybe = (inTen: number): boolean => g(fc.nat, { max: 9 }) < inTen;
  const condition = (): string => {
    if (!maybe(2)) return '';
    return maybe(5) ? ' @include(if: $yes)' : ' @skip(if: $no)';
  };
  const fieldText = (field: GraphQLField<unknown, unknown>, depth: number): string => {
    const type = getNamedType(field.type);
    aliases += 1;
    // Two kinds may have fields of the same name and different types: those cannot share it.
    const name = isLeafType(type) && maybe(7) ? field.name : `a${aliases}: ${field.name}`;
    if (isLeafType(type)) return `${name}${condition()}`;
    return `${name}${condition()} ${isObjectType(type) ? selection(type, depth - 1) : '{ __typename }'}`;
  };
  const selection = (type: GraphQLObjectType, depth: number): string => {
    const chosen = Object.values(type.getFields())
      .filter((field) => !field.args.some(isRequiredArgument))
      .filter((field) => (depth > 0 || isLeafType(getNamedType(field.type))) && maybe(4))
      .map((field) => fieldText(field, depth));
    const body = `{ ${['__typename', ...chosen].join(' ')} }`;
    if (!maybe(2)) return body;
    fragments.push(`fragment f${fragments.length} on ${type.name} ${body}`);
    return `{ ...f${fragments.length - 1} }`;
  };
  const union = getNamedType(schema.getSubscriptionType()?.getFields()[rootField]?.type);
  if (!isUnionType(union)) throw new Error(`${rootField} is no union.`);
  const members = union.getTypes().map((type) => `... on ${type.name} ${selection(type, DEPTH)}`);
  const item = `item: ${rootField} { __typename @include(if: $yes) @skip(if: $no) ${members.join(' ')} }`;
  return `subscription ($yes: Boolean! = true, $no: Boolean! = false) { ${item} } ${fragments.join(' ')}`;
}
