import {
  type DocumentNode,
  type ExecutionResult,
  GraphQLError,
  type GraphQLSchema,
  Kind,
  OperationTypeNode,
  type Source,
  type SourceLocation,
} from 'graphql';
import { compileQuery, isCompiledQuery } from 'graphql-jit';
import type { Context } from '../../graphql/context.ts';

/**
 * Executes the one operation of a document. Whatever has errors is for the interpreter to say: a query is executed again,
 * as is a mutation that was not begun, which has no data. Errors of one that was become the interpreter's by
 * `asInterpreted`.
 */
export type Compiled = (
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
