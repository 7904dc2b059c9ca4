import {
  type DocumentNode,
  type GraphQLInputType,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  getOperationAST,
  isInputObjectType,
  isInputType,
  isListType,
  typeFromAST,
  valueFromASTUntyped,
} from 'graphql';
import { itemsOf, pointsOf, type Variables } from './points.ts';

/** How many sets of sizes are remembered of one document. */
const REMEMBERED = 50;

/** Says what an operation of a document takes with these variables. */
type Price = (given: Variables) => number;

const NONE: Variables = {};

/** An operation that is about to be executed. */
interface Asked {
  readonly document: DocumentNode;
  readonly operationName?: string | null | undefined;
  readonly variableValues?: Variables | null | undefined;
}

/**
 * Makes the function that says what operations take, in points. It is found out once for each document and the sizes that
 * its variables have: how many rows of a page, how many items of a list.
 */
export function openPrices(schema: GraphQLSchema): (asked: Asked) => number {
  const known = new WeakMap<DocumentNode, Map<string, Price>>();
  const priceOf = (document: DocumentNode, operationName: string | null | undefined): Price => {
    const ofDocument = known.get(document) ?? new Map<string, Price>();
    known.set(document, ofDocument);
    const name = operationName ?? '';
    const price = ofDocument.get(name) ?? makePrice(schema, document, operationName);
    ofDocument.set(name, price);
    return price;
  };
  return ({ document, operationName, variableValues }) =>
    priceOf(document, operationName)(variableValues ?? NONE);
}

function makePrice(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | null | undefined,
): Price {
  const counting = countingVariables(schema, document, operationName);
  const priced = (given: Variables): number => {
    const variables: Record<string, unknown> = {};
    for (const { name, byDefault } of counting)
      variables[name] = Object.hasOwn(given, name) ? given[name] : byDefault;
    return pointsOf({ schema, document, operationName, variables });
  };
  if (counting.length === 0) {
    let points: number | undefined;
    return () => {
      points ??= priced(NONE);
      return points;
    };
  }
  const remembered = new Map<string, number>();
  return (given) => {
    let key = '';
    for (const { name } of counting) key += `${sizeOf(given[name])},`;
    const known = remembered.get(key);
    if (known !== undefined) return known;
    const points = priced(given);
    if (remembered.size < REMEMBERED) remembered.set(key, points);
    return points;
  };
}

/** All that the cost depends on of a value. */
function sizeOf(value: unknown): number | string {
  if (typeof value === 'number') return value;
  if (value === null || value === undefined) return String(value);
  return typeof value === 'object' ? itemsOf(value) : 'given';
}

/** The variables on which the cost depends. */
function countingVariables(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | null | undefined,
): readonly { readonly name: string; readonly byDefault: unknown }[] {
  const definitions = getOperationAST(document, operationName)?.variableDefinitions ?? [];
  return definitions.flatMap(({ variable, type: node, defaultValue }) => {
    const type = typeFromAST(schema, node);
    if (!isInputType(type) || !counts(type)) return [];
    return [
      { name: variable.name.value, byDefault: defaultValue ? valueFromASTUntyped(defaultValue) : undefined },
    ];
  });
}

/** True for numbers, moments, lists, and objects that have lists. */
function counts(type: GraphQLInputType): boolean {
  if (isListType(getNullableType(type))) return true;
  const named = getNamedType(type);
  if (!isInputObjectType(named)) return named.name === 'Int' || named.name === 'DateTime';
  return Object.values(named.getFields()).some((field) => isListType(getNullableType(field.type)));
}
