import type { ExecutionResult, GraphQLError, GraphQLSchema } from 'graphql';
import { createYoga, type Plugin, type YogaLogger } from 'graphql-yoga';
import type { Logger } from 'pino';
import type { Context } from '../../graphql/context.ts';
import { invalidInput } from '../../graphql/errors.ts';
import type { Metrics } from '../../metrics/metrics.ts';
import { answerSubscriptions } from '../fan-out/subscribing.ts';
import type { Transport } from '../fan-out/transport.ts';
import { rememberDocuments } from './documents.ts';
import { graphiqlOptions, renderPage } from './graphiql.ts';
import type { Guards, PendingOperation } from './guards.ts';
import { type Mask, withoutHttp } from './masking.ts';
import { corsOf, isLoopbackHost, type OriginRules, varyByOrigin } from './origins.ts';
import { sseIds } from './sse-ids.ts';

export interface EngineOptions {
  readonly schema: GraphQLSchema;
  readonly guards: Guards;
  readonly development: boolean;
  readonly maxBodyBytes: number;
  readonly maxSharedBytes: number;
  readonly origins: OriginRules;
  readonly mask: Mask;
  readonly log: Logger;
  readonly metrics: Pick<Metrics, 'subscriptions' | 'results'>;
  /** Development mode: the token that GraphiQL is given. */
  readonly developmentToken?: (() => Promise<string>) | undefined;
}

export type Engine = ReturnType<typeof createEngine>;

/** The GraphQL engine that HTTP and sockets share: one schema, one parse and validation cache, one mask. */
export function createEngine(options: EngineOptions) {
  const {
    schema,
    guards,
    development,
    maxBodyBytes,
    maxSharedBytes,
    origins,
    mask,
    log,
    developmentToken,
    metrics,
  } = options;
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
      askGuards(guards),
      answerSubscriptions({ mask, limits: { maxSharedBytes }, metrics }),
      answerWhole(),
      sseIds(),
      varyByOrigin(),
    ],
    graphiql: development
      ? async ({ headers }) => graphiqlOptions(mayHoldToken(headers) ? await developmentToken?.() : undefined)
      : false,
    renderGraphiQL: renderPage,
  });
}

/**
 * Remembers no error: Yoga changes an error of its parser for the transport that it was thrown on, and the other transport
 * must not be shown that.
 */
const NO_CACHE = { get: () => undefined, set: () => undefined };

/**
 * Whether the page of development mode may hold its token: not where another name has led here, and not for a page
 * of another origin, which could read it.
 */
function mayHoldToken(headers: Headers): boolean {
  return isLoopbackHost(headers.get('host')) && !headers.has('origin');
}

/** Parameters that are no JSON (`?variables=…`) are the client's mistake; Yoga lets the parser's error through. */
function refuseMalformed(): Plugin {
  return {
    onRequestParse({ requestParser, setRequestParser }) {
      if (requestParser === undefined) return;
      setRequestParser(async (request) => {
        try {
          return await requestParser(request);
        } catch (error) {
          if (!(error instanceof SyntaxError)) throw error;
          throw invalidInput(`The request is malformed: ${error.message}`, 'variables');
        }
      });
    },
  };
}

function answerWhole(): Plugin {
  return {
    onExecutionResult({ result, setResult }) {
      if (result === undefined || Array.isArray(result) || !('data' in result)) return;
      setResult(wholeAnswer(result as ExecutionResult));
    },
  };
}

/** An answer with data in it is a 200, whatever failed beside; the statuses are for answers that fail as a whole. */
export function wholeAnswer(result: ExecutionResult): ExecutionResult {
  const { data, errors, ...rest } = result;
  if (errors === undefined || Object.values(data ?? {}).every((field) => field === null)) return result;
  return { ...rest, data: data ?? null, errors: errors.map(withoutHttp) };
}

/** Asks the guards before an operation is executed, over HTTP by Yoga and on sockets. */
function askGuards({ refusalOf, begun }: Guards): Plugin<Transport & Context> {
  type Stop = (result: { errors: GraphQLError[] }) => void;
  const ask = (args: PendingOperation & { readonly contextValue: Transport }, stop: Stop): void => {
    const refusal = refusalOf(args);
    if (refusal === undefined) begun(args, args.contextValue.transport);
    else stop({ errors: [refusal] });
  };
  return {
    onExecute: ({ args, setResultAndStopExecution }) => ask(args, setResultAndStopExecution),
    onSubscribe: ({ args, setResultAndStopExecution }) => ask(args, setResultAndStopExecution),
  };
}

/** Yoga's own words, as far as they are news: errors have been logged by the mask already. */
function yogaLogger(log: Logger): YogaLogger {
  return {
    debug() {},
    info: (...words) => log.debug({ words }, 'yoga'),
    warn: (...words) => log.warn({ words }, 'yoga'),
    error: (...words) => log.debug({ words }, 'yoga'),
  };
}
