import { normalizedExecutor } from '@graphql-tools/executor';
import {
  type DocumentNode,
  type ExecutionResult,
  type GraphQLSchema,
  getOperationAST,
  Kind,
  OperationTypeNode,
} from 'graphql';
import { isAsyncIterable } from 'graphql-yoga';
import type { Context } from '../../graphql/context.ts';
import { rememberDocuments } from '../engine/documents.ts';
import { type Answer, executeFields, executeSerially, type ReadyField, readyFields } from './fields.ts';
import { type Outcomes, replayingSchema } from './replay.ts';
import { openSelections, type Selection, TOO_MUCH } from './selection.ts';
import { type Variables, variablesReader } from './variables.ts';

/** The parameters of a GraphQL request, all of them well formed. */
export interface PlainParams {
  readonly query: string;
  readonly variables?: Record<string, unknown> | null | undefined;
  readonly operationName?: string | null | undefined;
  readonly extensions?: Record<string, unknown> | null | undefined;
}

/** A valid document, and what has been made of it so far. */
interface Known {
  readonly document: DocumentNode;
  /** Executes its one operation where nothing fails; undefined for what is left to the interpreter. */
  prepared: PreparedOperation | undefined;
}

/** A well-formed request for a query or mutation of a valid document. */
export interface Operation {
  readonly document: DocumentNode;
  readonly params: PlainParams;
  /** Resolves with an answer without `data` where nothing was begun: a variable does not fit, say. */
  execute(contextValue: Context): Promise<ExecutionResult>;
}

/** What the fast path executes. */
export interface Executions {
  /** Undefined for what is not valid, and for what is no query or mutation. */
  of(params: PlainParams): Operation | undefined;
}

/** @param validate parses and validates; undefined for what is not valid */
export function openExecutions(
  schema: GraphQLSchema,
  validate: (query: string) => DocumentNode | undefined,
): Executions {
  const remembered = rememberDocuments<Known>();
  const replaying = replayingSchema(schema);
  const knownOf = (query: string): Known | undefined => {
    const known = remembered.get(query);
    if (known !== undefined) return known;
    const document = validate(query);
    if (document === undefined) return undefined;
    const made = { document, prepared: prepareOperation(schema, document) };
    remembered.set(query, made);
    return made;
  };
  return {
    of(params) {
      const known = knownOf(params.query);
      if (known === undefined) return undefined;
      const { document } = known;
      const operation = getOperationAST(document, params.operationName)?.operation;
      if (operation === undefined || operation === OperationTypeNode.SUBSCRIPTION) return undefined;
      return { document, params, execute: (contextValue) => execute(replaying, known, params, contextValue) };
    },
  };
}

/**
 * Executes a document: by what has been found out of it, and once more by the interpreter where anything fails on that way,
 * so that errors are the interpreter's in any case. What a mutation has done by then is not done again.
 */
async function execute(
  schema: GraphQLSchema,
  known: Known,
  { operationName, variables: variableValues }: PlainParams,
  contextValue: Context,
): Promise<ExecutionResult> {
  const outcomes: Outcomes = new Map();
  if (known.prepared !== undefined) {
    try {
      return { data: await known.prepared(contextValue, variableValues ?? {}, outcomes) };
    } catch (error) {
      if (contextValue.hasLeft?.() === true) throw error;
      if (error === TOO_MUCH) known.prepared = undefined;
    }
  }
  const { document } = known;
  const result = await normalizedExecutor({
    ...{ schema, document, contextValue, variableValues, operationName },
    rootValue: outcomes,
  });
  if (isAsyncIterable(result)) throw new Error('A query or mutation was answered by a stream.');
  return asAnswered(result);
}

/**
 * What is answered, as it is at this moment. Where an error makes the whole answer null, the interpreter does not wait for
 * other fields, and adds their errors to the same list as they come: how many are sent would depend on how long it takes to
 * send them.
 */
function asAnswered(result: ExecutionResult): ExecutionResult {
  return result.errors === undefined ? result : { ...result, errors: [...result.errors] };
}

/** Executes an operation, and notes what the root fields of a mutation have come to. @throws whatever fails first */
type PreparedOperation = (
  contextValue: Context,
  variables: Variables,
  outcomes: Outcomes,
) => Answer | Promise<Answer>;

/**
 * Prepares the one operation of a valid document, which is a query or mutation: executing it takes a third of the
 * interpreter's time then. Undefined for any other document.
 */
export function prepareOperation(
  schema: GraphQLSchema,
  document: DocumentNode,
): PreparedOperation | undefined {
  const operations = document.definitions.filter((node) => node.kind === Kind.OPERATION_DEFINITION);
  const [operation] = operations;
  if (operations.length !== 1 || operation === undefined) return undefined;
  const rootType = schema.getRootType(operation.operation);
  if (operation.operation === OperationTypeNode.SUBSCRIPTION || !rootType) return undefined;
  const readVariables = variablesReader(schema, operation);
  const selections = openSelections(schema, document);
  const ready = new WeakMap<Selection, readonly ReadyField[]>();
  return (contextValue, given, outcomes) => {
    const variables = readVariables(given);
    const selection = selections(variables);
    const fields =
      ready.get(selection) ??
      readyFields({ schema, operation, selection }, rootType, [operation.selectionSet]);
    ready.set(selection, fields);
    const run = { contextValue, variables };
    if (operation.operation === OperationTypeNode.MUTATION) return executeSerially(fields, run, outcomes);
    return executeFields(fields, undefined, undefined, run);
  };
}
