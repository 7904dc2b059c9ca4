import { isUtf8 } from 'node:buffer';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { type DocumentNode, type ExecutionResult, GraphQLError, type GraphQLSchema } from 'graphql';
import { processRegularResult } from 'graphql-yoga';
import type { Metrics } from '../../metrics/metrics.ts';
import { textOf } from '../cost/text.ts';
import type { Turn } from '../cost/turns.ts';
import { NOT_CACHED } from '../engine/caching.ts';
import { type Engine, wholeAnswer } from '../engine/engine.ts';
import { type Guards, withTold } from '../engine/guards.ts';
import type { Mask } from '../engine/masking.ts';
import type { Transport } from '../fan-out/transport.ts';
import { type Operation, openExecutions, type PlainParams } from './execution.ts';

/** Answers a request. */
export type AnswerRequest = (
  request: IncomingMessage,
  response: ServerResponse,
  transport: Transport,
) => void | Promise<void>;

export interface FastPathOptions {
  readonly engine: Engine;
  readonly schema: GraphQLSchema;
  readonly guards: Guards;
  readonly mask: Mask;
  readonly maxBodyBytes: number;
  readonly metrics: Pick<Metrics, 'paths'>;
}

/**
 * Answers plain POSTs of well-formed, valid queries and mutations, with the engine's own functions but without Yoga's
 * handling of requests, which costs more than a small answer. Everything else goes to Yoga's handler as it came: other
 * methods and types, streams, pages of other origins, and whatever is wrong with a request. Hooks of plugins that belong
 * to HTTP do not run here, so nothing that protects the gateway may be one: `protections.ts`.
 */
export function openFastPath(options: FastPathOptions): AnswerRequest {
  const { engine, schema, mask, maxBodyBytes, metrics } = options;
  const executions = openExecutions(schema, (query) => validDocument(engine, schema, query));

  const handOver: AnswerRequest = (request, response, transport) => {
    metrics.paths.yoga += 1;
    return engine(request, response, transport);
  };

  const answer = async (request: IncomingMessage, response: ServerResponse, transport: Transport) => {
    const type = answerTypeFor(request.headers.accept);
    if (type === undefined || !isPlainPost(request, maxBodyBytes))
      return handOver(request, response, transport);
    const body = await readBody(request);
    if (body === undefined) return undefined;
    const params = plainParams(body);
    const operation = params && executions.of(params);
    const result = operation && (await run(options, operation, transport));
    if (result === undefined) return handOver(withBody(request, body), response, transport);
    metrics.paths.fast += 1;
    if (result.errors !== undefined) return sendErrors(engine, response, result, type);
    return send(
      response,
      200,
      { 'content-type': `${type}; charset=utf-8`, 'cache-control': NOT_CACHED, vary: 'origin' },
      result.text ?? JSON.stringify(result),
    );
  };

  return async (request, response, transport) => {
    await answer(request, response, transport).catch((error: unknown) => {
      mask(error);
      response.destroy();
    });
  };
}

/** Parses and validates as the engine does; undefined for what is not valid. */
function validDocument(engine: Engine, schema: GraphQLSchema, query: string): DocumentNode | undefined {
  const { parse, validate } = engine.getEnveloped({ transport: 'http', open: noContext });
  try {
    const document: DocumentNode = parse(query);
    return validate(schema, document).length > 0 ? undefined : document;
  } catch {
    return undefined;
  }
}

/** A document is parsed and validated alike for everyone, and so without a context. */
function noContext(): Promise<never> {
  return Promise.reject(new Error('Parsing and validating need no context.'));
}

/** What an operation came to, with the text of a dear one, which is made while its turn lasts. */
interface Executed extends ExecutionResult {
  readonly text?: string;
}

/** Executes an operation for its caller. Undefined where nothing was begun, and Yoga is to say what is wrong. */
async function run(
  { guards, mask }: FastPathOptions,
  operation: Operation,
  transport: Transport,
): Promise<Executed | undefined> {
  const { document, params } = operation;
  let turn: Turn | undefined;
  try {
    const contextValue = await transport.open();
    const { operationName, variables: variableValues } = params;
    const pending = { document, operationName, variableValues, contextValue };
    const priced = guards.ask(pending);
    if (priced instanceof GraphQLError) return { errors: [priced] };
    if (priced.takeTurn !== undefined) turn = await priced.takeTurn();
    const result = await operation.execute(contextValue);
    if (result.errors !== undefined && result.data === undefined) return undefined;
    guards.begun(pending, 'http');
    if (result.errors !== undefined)
      return withTold({ ...result, errors: result.errors.map(mask) }, priced.told);
    const told = withTold(result, priced.told);
    return turn === undefined ? told : { ...told, text: await textOf(told, turn.pace) };
  } catch (error) {
    return { errors: [mask(error)] };
  } finally {
    turn?.done();
  }
}

/** The request with its body, which has been read here, to be read by Yoga once more. */
function withBody(request: IncomingMessage, body: Buffer) {
  return Object.assign(request, { body: Readable.from([body]) });
}

/** Answers with errors are made by Yoga, which knows the statuses. */
async function sendErrors(
  { fetchAPI }: Engine,
  response: ServerResponse,
  result: ExecutionResult,
  type: AnswerType,
): Promise<void> {
  const answer = processRegularResult(wholeAnswer(result), fetchAPI, type);
  send(
    response,
    answer.status,
    { ...Object.fromEntries(answer.headers), 'cache-control': NOT_CACHED, vary: 'origin' },
    await answer.text(),
  );
}

function send(response: ServerResponse, status: number, headers: Record<string, string>, text: string): void {
  // As a text it goes out in one write with the head.
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(text) }).end(text);
}

/** The media types of a GraphQL answer that is no stream. */
export type AnswerType = 'application/json' | 'application/graphql-response+json';

const JSON_TYPE = /^application\/json(?:; ?charset=utf-8)?$/i;

/**
 * True for a POST to `/graphql` of JSON whose length is known and within the limit, from no page of another origin.
 * Node sees to it that the body has just that length.
 */
function isPlainPost({ method, url, headers }: IncomingMessage, maxBodyBytes: number): boolean {
  const length = headers['content-length'];
  return (
    method === 'POST' &&
    url === '/graphql' &&
    JSON_TYPE.test(headers['content-type'] ?? '') &&
    length !== undefined &&
    Number(length) <= maxBodyBytes &&
    headers['content-encoding'] === undefined &&
    headers.origin === undefined
  );
}

/**
 * The type to answer with: the first one in the `Accept` header that an answer can have. As in Yoga, the order counts and
 * `q` does not. Undefined where none fits.
 */
export function answerTypeFor(accept: string | undefined): AnswerType | undefined {
  if (accept === undefined || accept === '') return 'application/json';
  for (const listed of accept.replace(/\s/g, '').toLowerCase().split(',')) {
    const [type = '', ...params] = listed.split(';');
    const charset = params.find((param) => param.includes('charset='));
    if (charset !== undefined && charset !== 'charset=utf-8') continue;
    if (type === '*/*' || type === 'application/*' || type === '*/json') return 'application/json';
    if (type === 'application/json' || type === 'application/graphql-response+json') return type;
    if (type.includes('*')) return undefined;
  }
  return undefined;
}

/** Reads a request's body; undefined where the client has gone before its end. */
function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.once('end', () => resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)));
    request.once('error', () => resolve(undefined));
    request.once('close', () => resolve(undefined));
  });
}

/** Reads the parameters from a body; undefined unless every one is well formed and none is unknown. */
function plainParams(body: Buffer): PlainParams | undefined {
  let params: unknown;
  if (!isUtf8(body)) return undefined;
  try {
    params = JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
  if (!isObject(params)) return undefined;
  const { query, variables, operationName, extensions, ...unknown } = params;
  for (const _ in unknown) return undefined;
  if (typeof query !== 'string' || !isObjectOrAbsent(variables) || !isObjectOrAbsent(extensions))
    return undefined;
  if (operationName !== undefined && operationName !== null && typeof operationName !== 'string')
    return undefined;
  return { query, variables, operationName, extensions };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isObjectOrAbsent(value: unknown): value is Record<string, unknown> | null | undefined {
  return value === undefined || value === null || isObject(value);
}
