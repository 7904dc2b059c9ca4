import { getFieldDef } from '@graphql-tools/executor';
import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type FragmentSpreadNode,
  type GraphQLField,
  GraphQLIncludeDirective,
  type GraphQLObjectType,
  type GraphQLSchema,
  GraphQLSkipDirective,
  getDirectiveValues,
  type InlineFragmentNode,
  isAbstractType,
  Kind,
  type SelectionNode,
  type SelectionSetNode,
  typeFromAST,
  visit,
} from 'graphql';
import type { Variables } from './variables.ts';

/** A field that is selected of objects of one type, by one place in a document or by several. */
export interface SelectedField {
  /** Its name in the answer. */
  readonly name: string;
  readonly definition: GraphQLField<unknown, unknown>;
  readonly nodes: [FieldNode, ...FieldNode[]];
  readonly parentType: GraphQLObjectType;
}

/** What a document selects, where its conditions (`@skip`, `@include`) have one set of values. */
export interface Selection {
  readonly fragments: Readonly<Record<string, FragmentDefinitionNode>>;
  /**
   * The fields of an object of a type, in the order of the answer.
   * @throws TOO_MUCH where more has been selected than is worth remembering
   */
  fieldsOf(type: GraphQLObjectType, sets: readonly SelectionSetNode[]): readonly SelectedField[];
}

/**
 * What a document selects is remembered up to so many fields, and one more for so many characters of its text: a field takes
 * about 1 KB, and so all of them about as much as the documents themselves.
 */
const FIELDS = 50;
const CHARACTERS_PER_FIELD = 10;

/** Thrown where fragments within fragments select far more than a document's text would make one think. */
export const TOO_MUCH = new Error('A document selects too much to be remembered.');

/** Finds out what a document selects, once for each set of values that its conditions have. */
export function openSelections(
  schema: GraphQLSchema,
  document: DocumentNode,
): (variables: Variables) => Selection {
  const conditions = conditionsOf(document);
  const fragments: Record<string, FragmentDefinitionNode> = Object.create(null);
  for (const node of document.definitions)
    if (node.kind === Kind.FRAGMENT_DEFINITION) fragments[node.name.value] = node;
  let left = FIELDS + (document.loc?.source.body.length ?? 0) / CHARACTERS_PER_FIELD;
  const spend = (fields: number): void => {
    left -= fields;
    if (left < 0) throw TOO_MUCH;
  };
  const known = new Map<string, Selection>();
  return (given) => {
    const variables = Object.fromEntries(
      conditions.filter((name) => Object.hasOwn(given, name)).map((name) => [name, given[name]]),
    );
    const key = JSON.stringify(variables);
    const before = known.get(key);
    if (before !== undefined) return before;
    spend(1);
    const selection: Selection = {
      fragments,
      fieldsOf(type, sets) {
        const found = new Map<string, SelectedField['nodes']>();
        const seen = new Set<string>();
        for (const set of sets) collect({ schema, fragments, variables, type, found, seen }, set);
        spend(found.size);
        return [...found].flatMap(([name, nodes]) => {
          const definition = getFieldDef(schema, type, nodes[0]);
          return definition ? [{ name, definition, nodes, parentType: type }] : [];
        });
      },
    };
    known.set(key, selection);
    return selection;
  };
}

/** The variables of a document on which it depends what is selected. */
function conditionsOf(document: DocumentNode): readonly string[] {
  const names = new Set<string>();
  visit(document, {
    Directive(directive) {
      for (const { value } of directive.arguments ?? [])
        if (value.kind === Kind.VARIABLE) names.add(value.name.value);
    },
  });
  return [...names];
}

interface Collecting {
  readonly schema: GraphQLSchema;
  readonly fragments: Readonly<Record<string, FragmentDefinitionNode>>;
  readonly variables: Variables;
  readonly type: GraphQLObjectType;
  /** Nodes by the name in the answer, which stands where the first of them does. */
  readonly found: Map<string, SelectedField['nodes']>;
  /** The names of the fragments that have been gone through. */
  readonly seen: Set<string>;
}

/** "CollectFields" of the specification. */
function collect(collecting: Collecting, { selections }: SelectionSetNode): void {
  const { found, variables } = collecting;
  for (const node of selections) {
    if (!isIncluded(node, variables)) continue;
    if (node.kind === Kind.FIELD) {
      const name = node.alias?.value ?? node.name.value;
      const nodes = found.get(name);
      if (nodes === undefined) found.set(name, [node]);
      else nodes.push(node);
    } else {
      const fragment = fragmentOf(collecting, node);
      if (fragment !== undefined) collect(collecting, fragment.selectionSet);
    }
  }
}

/** The fragment, where it is of the object's type and has not been gone through. */
function fragmentOf(
  { schema, fragments, type, seen }: Collecting,
  node: FragmentSpreadNode | InlineFragmentNode,
): FragmentDefinitionNode | InlineFragmentNode | undefined {
  if (node.kind === Kind.INLINE_FRAGMENT) return appliesTo(schema, node, type) ? node : undefined;
  const fragment = fragments[node.name.value];
  if (fragment === undefined || seen.has(node.name.value) || !appliesTo(schema, fragment, type))
    return undefined;
  seen.add(node.name.value);
  return fragment;
}

function appliesTo(
  schema: GraphQLSchema,
  { typeCondition }: FragmentDefinitionNode | InlineFragmentNode,
  type: GraphQLObjectType,
): boolean {
  if (typeCondition === undefined) return true;
  const condition = typeFromAST(schema, typeCondition);
  return condition === type || (isAbstractType(condition) && schema.isSubType(condition, type));
}

/** @throws where a condition is null */
function isIncluded(node: SelectionNode, variables: Variables): boolean {
  if (node.directives === undefined || node.directives.length === 0) return true;
  if (getDirectiveValues(GraphQLSkipDirective, node, variables)?.if === true) return false;
  return getDirectiveValues(GraphQLIncludeDirective, node, variables)?.if !== false;
}
