import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { normalizedExecutor } from '@graphql-tools/executor';
import {
  type DocumentNode,
  type ExecutionResult,
  type GraphQLSchema,
  getOperationAST,
  OperationTypeNode,
} from 'graphql';
import { isAsyncIterable, processRegularResult } from 'graphql-yoga';
import { rememberDocuments } from './documents.ts';
import { type Gateway, type Transport, wholeAnswer } from './gateway.ts';
import type { Admit } from './guards.ts';
import type { Mask } from './masking.ts';
import {
  type AnswerType,
  answerTypeFor,
  isPlainPost,
  type PlainParams,
  plainParams,
  readBody,
} from './plain-post.ts';

/** Answers a request. */
export type Answer = (request: IncomingMessage, response: ServerResponse, transport: Transport) => void;

export interface FastLaneOptions {
  readonly gateway: Gateway;
  readonly schema: GraphQLSchema;
  readonly admit: Admit;
  readonly mask: Mask;
  readonly maxBodyBytes: number;
}

/** A well-formed request for a valid document. */
interface Operation {
  readonly document: DocumentNode;
  readonly params: PlainParams;
}

/**
 * Answers plain POSTs of well-formed, valid queries and mutations, with the engine's own functions but without Yoga's
 * handling of requests, which costs more than a small answer. Everything else goes to Yoga's
 * handler as it came: other methods and types, streams, pages of other origins, and whatever is wrong with a request.
 * Hooks of plugins that belong to HTTP do not run here, so nothing that protects the gateway may be one.
 */
export function openFastLane({ gateway, schema, admit, mask, maxBodyBytes }: FastLaneOptions): Answer {
  const { getEnveloped, fetchAPI } = gateway;
  const known = rememberDocuments<DocumentNode>();

  /** Undefined for what is not valid, and for what is no query or mutation. */
  const operationOf = (body: Buffer, transport: Transport): Operation | undefined => {
    const params = plainParams(body);
    if (params === undefined) return undefined;
    const document = known.get(params.query) ?? validDocument(params.query, transport);
    if (document === undefined) return undefined;
    const operation = getOperationAST(document, params.operationName)?.operation;
    if (operation === undefined || operation === OperationTypeNode.SUBSCRIPTION) return undefined;
    return { document, params };
  };

  const validDocument = (query: string, transport: Transport): DocumentNode | undefined => {
    const { parse, validate } = getEnveloped({ ...transport });
    try {
      const document: DocumentNode = parse(query);
      if (validate(schema, document).length > 0) return undefined;
      known.set(query, document);
      return document;
    } catch {
      return undefined;
    }
  };

  /** Undefined where the request asks for what cannot be begun: a variable that does not fit, say. */
  const run = async (operation: Operation, transport: Transport): Promise<ExecutionResult | undefined> => {
    const { document, params } = operation;
    const { operationName, variables: variableValues } = params;
    try {
      const contextValue = await transport.open();
      const refusal = admit({ document, operationName, contextValue }, 'http');
      if (refusal !== undefined) return { errors: [refusal] };
      const result = await normalizedExecutor({
        schema,
        document,
        contextValue,
        variableValues,
        operationName,
      });
      if (isAsyncIterable(result)) throw new Error('A query was answered by a stream.');
      if (result.errors === undefined) return result;
      return result.data === undefined ? undefined : { ...result, errors: result.errors.map(mask) };
    } catch (error) {
      return { errors: [mask(error)] };
    }
  };

  const sendErrors = async (response: ServerResponse, result: ExecutionResult, type: AnswerType) => {
    const { status, headers, text } = await asYogaAnswers(result, type);
    send(response, status, { ...headers, vary: 'origin' }, text);
  };

  /** Answers with errors are for Yoga to make: it knows the statuses. */
  const asYogaAnswers = async (result: ExecutionResult, type: AnswerType) => {
    const answer = processRegularResult(wholeAnswer(result), fetchAPI, type);
    return { status: answer.status, headers: Object.fromEntries(answer.headers), text: await answer.text() };
  };

  const handOver = (request: IncomingMessage, response: ServerResponse, transport: Transport, body: Buffer) =>
    gateway(Object.assign(request, { body: Readable.from([body]) }), response, transport);

  const answer = async (request: IncomingMessage, response: ServerResponse, transport: Transport) => {
    const type = answerTypeFor(request.headers.accept);
    if (type === undefined || !isPlainPost(request, maxBodyBytes))
      return gateway(request, response, transport);
    const body = await readBody(request);
    if (body === undefined) return undefined;
    const operation = operationOf(body, transport);
    if (operation === undefined) return handOver(request, response, transport, body);
    const result = await run(operation, transport);
    if (result === undefined) return handOver(request, response, transport, body);
    if (result.errors !== undefined) return sendErrors(response, result, type);
    return send(
      response,
      200,
      { 'content-type': `${type}; charset=utf-8`, vary: 'origin' },
      JSON.stringify(result),
    );
  };

  return (request, response, transport) => {
    answer(request, response, transport).catch((error: unknown) => {
      mask(error);
      response.destroy();
    });
  };
}

function send(response: ServerResponse, status: number, headers: Record<string, string>, text: string): void {
  // As a text it goes out in one write with the head.
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(text) }).end(text);
}
