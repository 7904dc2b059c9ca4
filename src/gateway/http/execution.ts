import { normalizedExecutor } from '@graphql-tools/executor';
import {
  type DocumentNode,
  type ExecutionResult,
  type GraphQLSchema,
  getOperationAST,
  OperationTypeNode,
} from 'graphql';
import { isAsyncIterable } from 'graphql-yoga';
import type { Context } from '../../graphql/context.ts';
import { rememberDocuments } from '../engine/documents.ts';
import { asInterpreted, type Compiled, compilable, compileDocument } from './compiled.ts';
import type { PlainParams } from './plain-post.ts';

/** An operation that is asked more often than this is worth compiling, which takes as long as some hundred executions. */
const ASKED_OFTEN = 20;

/** A valid document, and what has been made of it. */
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
    // Errors are worded by the interpreter, as they are on Yoga's path and on sockets.
  }
  const result = await normalizedExecutor({ schema, document, contextValue, variableValues, operationName });
  if (isAsyncIterable(result)) throw new Error('A query or mutation was answered by a stream.');
  return result;
}
