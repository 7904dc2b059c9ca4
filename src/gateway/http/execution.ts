import { normalizedExecutor } from '@graphql-tools/executor';
import {
  type DocumentNode,
  type ExecutionResult,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  Kind,
  OperationTypeNode,
  type Source,
  type SourceLocation,
} from 'graphql';
import { compileQuery, isCompiledQuery } from 'graphql-jit';
import { isAsyncIterable } from 'graphql-yoga';
import type { Context } from '../../graphql/context.ts';
import { rememberDocuments } from '../engine/documents.ts';

/** The parameters of a GraphQL request, all of them well formed. */
export interface PlainParams {
  readonly query: string;
  readonly variables?: Record<string, unknown> | null | undefined;
  readonly operationName?: string | null | undefined;
  readonly extensions?: Record<string, unknown> | null | undefined;
}

/** A document that is asked more often than this is worth compiling, which takes as long as some hundred executions. */
const ASKED_OFTEN = 20;

/** A valid document, and what has been made of it so far. */
interface Known {
  readonly document: DocumentNode;
  readonly compilable: 'query' | 'mutation' | undefined;
  asked: number;
  compiled?: Compiled | undefined;
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
  const knownOf = (query: string): Known | undefined => {
    const known = remembered.get(query);
    if (known !== undefined) return known;
    const document = validate(query);
    if (document === undefined) return undefined;
    const made = { document, compilable: compilable(document), asked: 0 };
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
      return { document, params, execute: (contextValue) => execute(schema, known, params, contextValue) };
    },
  };
}

/** Executes a document, compiled once it has been asked often enough. Errors are the interpreter's in any case. */
async function execute(
  schema: GraphQLSchema,
  known: Known,
  { operationName, variables: variableValues }: PlainParams,
  contextValue: Context,
): Promise<ExecutionResult> {
  const { document } = known;
  known.asked += 1;
  if (known.compilable !== undefined && known.asked === ASKED_OFTEN)
    known.compiled = compileDocument(schema, document);
  if (known.compiled !== undefined) {
    const result = await known.compiled(contextValue, variableValues ?? {});
    if (result.errors === undefined) return result;
    if (known.compilable === 'mutation' && result.data !== undefined)
      return { ...result, errors: result.errors.map((error) => asInterpreted(error, document)) };
  }
  const result = await normalizedExecutor({ schema, document, contextValue, variableValues, operationName });
  if (isAsyncIterable(result)) throw new Error('A query or mutation was answered by a stream.');
  return result;
}

/**
 * Executes the one operation of a document. Its errors are not worded as the interpreter's: a query that has errors is to be
 * executed again by the interpreter, as is a mutation without data, which was not begun; a mutation that was begun must not
 * be, and gets the interpreter's errors by `asInterpreted`.
 */
type Compiled = (
  contextValue: Context,
  variables: Record<string, unknown>,
) => ExecutionResult | Promise<ExecutionResult>;

/** What a document asks for, if it is one query or one mutation: only these are compiled. */
export function compilable({ definitions }: DocumentNode): 'query' | 'mutation' | undefined {
  const operations = definitions.filter((node) => node.kind === Kind.OPERATION_DEFINITION);
  const [only] = operations;
  if (operations.length !== 1 || only === undefined) return undefined;
  return only.operation === OperationTypeNode.SUBSCRIPTION ? undefined : only.operation;
}

/**
 * Compiles a valid document of one query or mutation to code, which takes a third of the interpreter's time. Undefined
 * where the compiler does not know how.
 */
export function compileDocument(schema: GraphQLSchema, document: DocumentNode): Compiled | undefined {
  const compiled = compileQuery(schema, document, undefined, { disablingCapturingStackErrors: true });
  if (!isCompiledQuery(compiled)) return undefined;
  return (contextValue, variables) => compiled.query(undefined, contextValue, variables);
}

/** The same error with its place in the document, as the interpreter makes it: the compiler knows line and column only. */
export function asInterpreted(error: GraphQLError, { loc }: DocumentNode): GraphQLError {
  const { message, locations, path = null, originalError = null } = error;
  const source = loc?.source;
  const positions = source && locations?.map((place) => positionOf(source, place));
  return new GraphQLError(message, { source, positions: positions ?? null, path, originalError });
}

/** Lines and columns count from 1. */
function positionOf({ body }: Source, { line, column }: SourceLocation): number {
  const ends = [...body.matchAll(/\r\n|[\n\r]/g)].map(({ index, 0: end }) => index + end.length);
  return (ends[line - 2] ?? 0) + column - 1;
}
