import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLCompositeType,
  type GraphQLField,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  getOperationAST,
  isCompositeType,
  isInterfaceType,
  isListType,
  isObjectType,
  Kind,
  SchemaMetaFieldDef,
  type SelectionSetNode,
  TypeMetaFieldDef,
  typeFromAST,
  type ValueNode,
} from 'graphql';
import { costOf, type FieldCost } from '../../graphql/cost.ts';
import { DEFAULT_PAGE, MAX_PAGE } from '../../graphql/paging.ts';

/** Variables by name, as a client gave them. */
export type Variables = Readonly<Record<string, unknown>>;

/** What each object of an answer takes, beside its fields. */
const OBJECT = 2;
/** What each row of a page takes, to be read and decoded. */
const ROW = 15;
/** A read of the database: a page, an object that is looked up. */
const READ = 100;
/** A command, which is decided upon and recorded. */
const COMMAND = 300;
/** A question about the past: events are read and folded. */
const FOLD = 1_500;
/** Items of a list of which nothing is said. */
const LIST = 5;

/** How many nodes of a document are looked at; of one with more, only that is known. Fragments are gone through wherever they are spread. */
const MOST_NODES = 20_000;

/** An operation, and all that its cost depends on. */
export interface Priced {
  readonly schema: GraphQLSchema;
  readonly document: DocumentNode;
  readonly operationName?: string | null | undefined;
  readonly variables: Variables;
}

interface Walk extends Priced {
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  readonly isMutation: boolean;
  nodesLeft: number;
}

/**
 * What executing an operation takes at most, in points (`graphql/cost.ts`): fields that are selected twice of one object count
 * once, those that a condition may leave out count. Infinity where the document selects more than one would go through.
 * The document is valid.
 */
export function pointsOf(priced: Priced): number {
  const { schema, document, operationName } = priced;
  const operation = getOperationAST(document, operationName);
  const rootType = operation && schema.getRootType(operation.operation);
  if (!operation || !rootType) return 0;
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const node of document.definitions)
    if (node.kind === Kind.FRAGMENT_DEFINITION) fragments.set(node.name.value, node);
  const isMutation = rootType === schema.getMutationType();
  const walk: Walk = { ...priced, fragments, isMutation, nodesLeft: MOST_NODES };
  const points = objectPoints(walk, rootType, [operation.selectionSet], undefined, true);
  return walk.nodesLeft < 0 ? Number.POSITIVE_INFINITY : Math.ceil(points);
}

interface Selected {
  readonly type: GraphQLCompositeType;
  readonly nodes: [FieldNode, ...FieldNode[]];
}

/** @param page how many rows lists have that are directly below; undefined where the object is no page */
function objectPoints(
  walk: Walk,
  type: GraphQLCompositeType,
  sets: readonly SelectionSetNode[],
  page: number | undefined,
  isRoot = false,
): number {
  const found = new Map<string, Selected>();
  const seen = new Set<string>();
  for (const set of sets) collect(walk, type, set, found, seen);
  let points = OBJECT;
  for (const selected of found.values()) {
    if (walk.nodesLeft < 0) return points;
    points += fieldPoints(walk, selected, page, isRoot);
  }
  return points;
}

function collect(
  walk: Walk,
  type: GraphQLCompositeType,
  { selections }: SelectionSetNode,
  found: Map<string, Selected>,
  seen: Set<string>,
): void {
  for (const node of selections) {
    walk.nodesLeft -= 1;
    if (walk.nodesLeft < 0) return;
    if (node.kind === Kind.FIELD) {
      const key = `${type.name}.${node.alias?.value ?? node.name.value}`;
      const known = found.get(key);
      if (known === undefined) found.set(key, { type, nodes: [node] });
      else known.nodes.push(node);
      continue;
    }
    const fragment = node.kind === Kind.INLINE_FRAGMENT ? node : walk.fragments.get(node.name.value);
    if (fragment === undefined) continue;
    if (node.kind === Kind.FRAGMENT_SPREAD) {
      if (seen.has(node.name.value)) continue;
      seen.add(node.name.value);
    }
    const condition = fragment.typeCondition && typeFromAST(walk.schema, fragment.typeCondition);
    collect(walk, isCompositeType(condition) ? condition : type, fragment.selectionSet, found, seen);
  }
}

function fieldPoints(walk: Walk, selected: Selected, page: number | undefined, isRoot: boolean): number {
  const { type, nodes } = selected;
  const field = fieldOf(walk.schema, type, nodes[0].name.value);
  if (field === undefined) return 1;
  const cost = costOf(field);
  const own = ownPoints(walk, field, nodes[0], cost, isRoot);
  const named = getNamedType(field.type);
  const size = isList(field.type) ? (page ?? cost.size ?? LIST) : 1;
  if (!isCompositeType(named)) return own + size;
  const rows = pageOf(walk, field, nodes[0]);
  const sets = nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
  return own + (rows ?? 0) * ROW + size * objectPoints(walk, named, sets, rows);
}

/** What a field takes beside what is selected below it. */
function ownPoints(
  { isMutation, variables }: Walk,
  { args, type }: GraphQLField<unknown, unknown>,
  { arguments: given = [] }: FieldNode,
  { points, perItem = 1 }: FieldCost,
  isRoot: boolean,
): number {
  const command = isRoot && isMutation ? COMMAND : 0;
  const isRead = isCompositeType(getNamedType(type)) && (isRoot || args.length > 0);
  let own = points ?? command + (isRead ? READ : 0);
  for (const { name, value } of given) {
    if (PAST.has(name.value) && !isNull(value, variables)) own += FOLD;
    else own += perItem * itemsIn(value, variables);
  }
  return own;
}

const PAST: ReadonlySet<string> = new Set(['asOf', 'knownAt']);

/** How many rows a page is asked to have; undefined for what is no page. */
function pageOf(
  { variables }: Walk,
  { args }: GraphQLField<unknown, unknown>,
  { arguments: given = [] }: FieldNode,
): number | undefined {
  if (!args.some(({ name }) => name === 'first')) return undefined;
  const sizes = given
    .filter(({ name }) => name.value === 'first' || name.value === 'last')
    .map(({ value }) => numberOf(value, variables) ?? DEFAULT_PAGE);
  return Math.min(MAX_PAGE, Math.max(0, ...(sizes.length === 0 ? [DEFAULT_PAGE] : sizes)));
}

function fieldOf(
  schema: GraphQLSchema,
  type: GraphQLCompositeType,
  name: string,
): GraphQLField<unknown, unknown> | undefined {
  if (name === SchemaMetaFieldDef.name && type === schema.getQueryType()) return SchemaMetaFieldDef;
  if (name === TypeMetaFieldDef.name && type === schema.getQueryType()) return TypeMetaFieldDef;
  return isObjectType(type) || isInterfaceType(type) ? type.getFields()[name] : undefined;
}

function isList(type: GraphQLOutputType): boolean {
  return isListType(getNullableType(type));
}

function isNull(node: ValueNode, variables: Variables): boolean {
  return (
    node.kind === Kind.NULL || (node.kind === Kind.VARIABLE && (variables[node.name.value] ?? null) === null)
  );
}

function numberOf(node: ValueNode, variables: Variables): number | undefined {
  if (node.kind === Kind.INT) return Number(node.value);
  if (node.kind !== Kind.VARIABLE) return undefined;
  const value = variables[node.name.value];
  return typeof value === 'number' ? value : undefined;
}

/** How many items the lists of an argument have, those of its object's fields too. */
function itemsIn(node: ValueNode, variables: Variables): number {
  if (node.kind === Kind.VARIABLE) return itemsOf(variables[node.name.value]);
  if (node.kind === Kind.LIST) return node.values.length;
  if (node.kind !== Kind.OBJECT) return 0;
  return node.fields.reduce((items, { value }) => items + itemsIn(value, variables), 0);
}

/** The same of a value. */
export function itemsOf(value: unknown): number {
  if (Array.isArray(value)) return value.length;
  if (typeof value !== 'object' || value === null) return 0;
  let items = 0;
  for (const field of Object.values(value)) if (Array.isArray(field)) items += field.length;
  return items;
}
