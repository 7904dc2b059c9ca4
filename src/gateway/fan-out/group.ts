import {
  type DocumentNode,
  type ExecutionResult,
  getOperationAST,
  Kind,
  type OperationDefinitionNode,
  print,
  type SelectionNode,
  visit,
} from 'graphql';
import { type Access, authorityOf } from '../../access/access.ts';
import { type Frame, FrameTexts, type RowText, type Run } from './frame-texts.ts';
import { type MemoBudget, ResultMemo } from './memo.ts';
import { ReadyResult } from './transport.ts';

/** The result of an item for everyone of the group; null where each subscriber has to execute the item. */
export type Shared = ReadyResult | null;

/** Kinds of items that the feed hands to all subscribers as one object; another item is seen by one subscriber only. */
const SHARED_KINDS: ReadonlySet<unknown> = new Set(['updated', 'appended', 'left']);

/**
 * Subscribers who are shown the same: an item is executed and serialised once for all of them. A result with errors is not
 * shared: each subscriber then executes the item for itself, and gets errors of its own.
 */
export class ResultGroup {
  readonly #run: Run;
  readonly #items: ResultMemo<Shared | Promise<Shared>>;
  readonly #rows: ResultMemo<RowText>;
  readonly #frames: FrameTexts;
  /** Counted by whoever joins and leaves. */
  members = 0;

  /** @param run executes the group's operation on an item, in the name of all of them */
  constructor(run: Run, budget: MemoBudget) {
    this.#run = run;
    this.#items = new ResultMemo(budget);
    this.#rows = new ResultMemo(budget);
    this.#frames = new FrameTexts(run, this.#rows);
  }

  /** At once where it is known or can be made at once. */
  resultOf(item: unknown): Shared | Promise<Shared> {
    if (isFrame(item)) return this.#frames.resultOf(item);
    if (!isShared(item)) return null;
    const known = this.#items.get(item);
    return known === undefined ? this.#make(item) : known;
  }

  close(): void {
    this.#items.close();
    this.#rows.close();
  }

  #make(item: object): Shared | Promise<Shared> {
    const result = this.#run(item);
    if (!(result instanceof Promise)) return this.#keep(item, result);
    const making = result.then(
      (settled) => this.#keep(item, settled),
      () => null,
    );
    this.#items.set(item, making, 0);
    return making;
  }

  #keep(item: object, result: ExecutionResult): Shared {
    const text = result.errors === undefined ? JSON.stringify(result) : '';
    const shared = text === '' ? null : new ReadyResult(text);
    this.#items.set(item, shared, text.length);
    return shared;
  }
}

function isFrame(item: unknown): item is Frame {
  return kindOf(item) === 'moved';
}

function isShared(item: unknown): item is object {
  return SHARED_KINDS.has(kindOf(item));
}

function kindOf(item: unknown): unknown {
  return typeof item === 'object' && item !== null && 'kind' in item ? item.kind : undefined;
}

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
  const { text, variables } = shapeOf(request);
  const given = request.variableValues ?? {};
  const values = variables.map((name) => (Object.hasOwn(given, name) ? [given[name]] : []));
  return JSON.stringify([authorityOf(access), values, text]);
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
