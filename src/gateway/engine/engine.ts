/**
 * The GraphQL engine: an operation and its transport come in, a result or a stream of results goes out. HTTP and sockets
 * use the same one.
 *
 * 1. `operation-context.ts` makes what resolvers are given: the feed and the store (`tenant-store.ts`) of the caller's tenant.
 * 2. This file puts Yoga together: `documents.ts` remembers documents, `guards.ts` lets requests and commands in and is asked before each execution,
 *    subscriptions are answered by `fan-out/`, `sse-ids.ts` and `origins.ts` add to what HTTP sends.
 * 3. `masking.ts` decides what clients are told of errors.
 * `protections.ts` lists what protects the gateway, and where; `graphiql.ts` is the page of development mode.
 */
import { isUtf8 } from 'node:buffer';
import type { ExecutionResult, GraphQLSchema } from 'graphql';
import { createYoga, type Plugin, type YogaLogger } from 'graphql-yoga';
import type { Logger } from 'pino';
import type { Context } from '../../graphql/context.ts';
import { clientError, invalidInput } from '../../graphql/errors.ts';
import type { Metrics } from '../../metrics/metrics.ts';
import { answerSubscriptions } from '../fan-out/subscribing.ts';
import type { Transport } from '../fan-out/transport.ts';
import { cachingHeaders } from './caching.ts';
import { rememberDocuments } from './documents.ts';
import { renderPage, servePage } from './graphiql.ts';
import { askGuards, type Guards } from './guards.ts';
import { type Mask, withoutHttp } from './masking.ts';
import { corsOf, isLoopbackHost, type OriginRules, varyByOrigin } from './origins.ts';
import { sseIds } from './sse-ids.ts';
import { limitDocuments } from './text-limits.ts';

export interface EngineOptions {
  readonly schema: GraphQLSchema;
  readonly guards: Guards;
  readonly development: boolean;
  readonly maxBodyBytes: number;
  readonly maxSharedBytes: number;
  readonly maxDocumentTokens: number;
  readonly origins: OriginRules;
  readonly mask: Mask;
  readonly log: Logger;
  readonly metrics: Pick<Metrics, 'subscriptions' | 'results' | 'limits'>;
  /** Development mode: the token that GraphiQL is given. */
  readonly developmentToken?: (() => Promise<string>) | undefined;
}

export type Engine = ReturnType<typeof createEngine>;

/** Makes the engine: one schema, one cache of parsed and validated documents, one mask of errors, for HTTP and sockets. */
export function createEngine(options: EngineOptions) {
  const {
    schema,
    guards,
    development,
    maxBodyBytes,
    maxSharedBytes,
    maxDocumentTokens,
    origins,
    mask,
    log,
    developmentToken,
    metrics,
  } = options;
  const page = servePage(async (headers) => (mayHoldToken(headers) ? developmentToken?.() : undefined));
  return createYoga<Transport, Context>({
    schema,
    context: ({ open }) => open(),
    graphqlEndpoint: '/graphql',
    // Yoga's own page cannot be turned off; the gateway's answers at this path before it.
    healthCheckEndpoint: '/health/live',
    maskedErrors: { maskError: mask },
    maxRequestBodySize: maxBodyBytes,
    parserAndValidationCache: { documentCache: rememberDocuments(), errorCache: NO_CACHE },
    multipart: false,
    batching: false,
    cors: corsOf(origins),
    landingPage: false,
    logging: yogaLogger(log),
    plugins: [
      refuseMalformed(),
      limitDocuments({ maxDocumentTokens }, metrics, development),
      askGuards(guards),
      answerSubscriptions({ mask, limits: { maxSharedBytes }, metrics }),
      answerWhole(),
      sseIds(),
      varyByOrigin(),
      cachingHeaders(),
      page.guardPage,
    ],
    graphiql: development ? page.optionsOf : false,
    renderGraphiQL: renderPage,
  });
}

/**
 * Remembers no error: Yoga changes an error of its parser for the transport that it was thrown on, and the other transport
 * must not be shown that.
 */
const NO_CACHE = { get: () => undefined, set: () => undefined };

/**
 * Whether the page of development mode may be given its token: not where the browser came by another host's name, and not for
 * a page of another origin, which could read it.
 */
function mayHoldToken(headers: Headers): boolean {
  return isLoopbackHost(headers.get('host')) && !headers.has('origin');
}

/** Parameters that are no JSON (`?variables=…`) are the client's mistake; Yoga would let the parser's error through. */
function refuseMalformed(): Plugin {
  return {
    onRequestParse({ requestParser, setRequestParser }) {
      if (requestParser === undefined) return;
      setRequestParser(async (request) => {
        readUtf8(request);
        try {
          return await requestParser(request);
        } catch (error) {
          if (!(error instanceof SyntaxError)) throw error;
          throw invalidInput('The request is malformed: a parameter is no JSON.', 'variables');
        }
      });
    },
  };
}

/** Has a body of JSON refused that is not UTF-8: decoding would put other characters in place of what is none. */
function readUtf8(request: Request): void {
  const json = async (): Promise<unknown> => {
    const bytes = Buffer.from(await request.arrayBuffer());
    if (!isUtf8(bytes)) throw clientError('INVALID_INPUT', 'The body of the request must be UTF-8.');
    try {
      return JSON.parse(bytes.toString('utf8'));
    } catch {
      // What the parser says shows what was sent.
      throw clientError('INVALID_INPUT', 'The body of the request is no JSON.');
    }
  };
  Object.defineProperty(request, 'json', { value: json });
}

function answerWhole(): Plugin {
  return {
    onExecutionResult({ result, setResult }) {
      if (result === undefined || Array.isArray(result) || !('data' in result)) return;
      setResult(wholeAnswer(result as ExecutionResult));
    },
  };
}

/** An answer with some data in it is a 200, whatever else failed: its errors lose the statuses they would have set. */
export function wholeAnswer(result: ExecutionResult): ExecutionResult {
  const { data, errors, ...rest } = result;
  if (errors === undefined || Object.values(data ?? {}).every((field) => field === null)) return result;
  return { ...rest, data: data ?? null, errors: errors.map(withoutHttp) };
}

/** Yoga's own lines. Its errors have been logged by the mask already, so that they are worth a debug line only. */
function yogaLogger(log: Logger): YogaLogger {
  return {
    debug() {},
    info: (...words) => log.debug({ words }, 'yoga'),
    warn: (...words) => log.warn({ words }, 'yoga'),
    error: (...words) => log.debug({ words }, 'yoga'),
  };
}
