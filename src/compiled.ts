import { type DocumentNode, type ExecutionResult, type GraphQLSchema, Kind } from 'graphql';
import { compileQuery, isCompiledQuery } from 'graphql-jit';
import type { Context } from './context.ts';

/** Executes the one query of a document. Whatever has errors is to be executed again, by the interpreter. */
export type Compiled = (
  contextValue: Context,
  variables: Record<string, unknown>,
) => ExecutionResult | Promise<ExecutionResult>;

/** True for a document whose one operation is a query: it may be executed again, and needs no name. */
export function isQuery({ definitions }: DocumentNode): boolean {
  const operations = definitions.filter((node) => node.kind === Kind.OPERATION_DEFINITION);
  return operations.length === 1 && operations[0]?.operation === 'query';
}

/**
 * Compiles a valid document of one query to code, which takes a third of the interpreter's time. Undefined where the
 * compiler does not know how.
 */
export function compileDocument(schema: GraphQLSchema, document: DocumentNode): Compiled | undefined {
  const compiled = compileQuery(schema, document, undefined, { disablingCapturingStackErrors: true });
  if (!isCompiledQuery(compiled)) return undefined;
  return (contextValue, variables) => compiled.query(undefined, contextValue, variables);
}
