import {
  type DocumentNode,
  getOperationAST,
  Kind,
  type OperationDefinitionNode,
  print,
  type SelectionNode,
  visit,
} from 'graphql';
import type { Access } from '../../access/access.ts';

/** A subscription as a client asked for it. */
export interface SubscriptionRequest {
  readonly document: DocumentNode;
  readonly operationName?: string | null | undefined;
  readonly variableValues?: Readonly<Record<string, unknown>> | null | undefined;
}

/** What in a document decides how an item looks: its text, and the variables that the text uses. */
interface Shape {
  readonly text: string;
  readonly variables: readonly string[];
}

const shapes = new WeakMap<DocumentNode, Map<string, Shape>>();

/**
 * Subscribers with the same key are shown the same of an item: they asked in the same words, with the same values, and may
 * see the same. Arguments of the root field, and variables that are used nowhere else, are left out of the key: they only
 * say which items somebody wants, and how often.
 */
export function groupKeyOf(request: SubscriptionRequest, access: Access): string {
  const { sub: _person, expiresAt: _end, ...authority } = access;
  const { text, variables } = shapeOf(request);
  const given = request.variableValues ?? {};
  const values = variables.map((name) => (Object.hasOwn(given, name) ? [given[name]] : []));
  return JSON.stringify([authority, values, text]);
}

function shapeOf({ document, operationName }: SubscriptionRequest): Shape {
  const ofDocument = shapes.get(document) ?? new Map<string, Shape>();
  shapes.set(document, ofDocument);
  const name = operationName ?? '';
  const known = ofDocument.get(name);
  if (known !== undefined) return known;
  const shape = makeShape(document, operationName);
  ofDocument.set(name, shape);
  return shape;
}

function makeShape(document: DocumentNode, operationName: string | null | undefined): Shape {
  const operation = getOperationAST(document, operationName);
  const fragments = document.definitions.filter(({ kind }) => kind === Kind.FRAGMENT_DEFINITION);
  if (!operation) return { text: print(document), variables: [] };
  const bare = withoutRootArguments(operation);
  const used = new Set<string>();
  for (const definition of [{ ...bare, variableDefinitions: [] }, ...fragments])
    visit(definition, { Variable: ({ name }) => void used.add(name.value) });
  const variableDefinitions = operation.variableDefinitions?.filter(({ variable }) =>
    used.has(variable.name.value),
  );
  const definitions = [{ ...bare, variableDefinitions: variableDefinitions ?? [] }, ...fragments];
  return { text: print({ kind: Kind.DOCUMENT, definitions }), variables: [...used].sort() };
}

/** The name of an operation is for the client's own use. Root fields in fragments keep their arguments. */
function withoutRootArguments(operation: OperationDefinitionNode): OperationDefinitionNode {
  const { name: _, selectionSet, ...rest } = operation;
  const selections = selectionSet.selections.map(
    (node): SelectionNode => (node.kind === Kind.FIELD ? { ...node, arguments: [] } : node),
  );
  return { ...rest, selectionSet: { ...selectionSet, selections } };
}
