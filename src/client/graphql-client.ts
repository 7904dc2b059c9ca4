import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';

/** How long one request may take. */
const REQUEST_TIMEOUT_MS = 30_000;
/** The wait before a repeat: it doubles from the first to the longest, and each is shortened at random by up to half. */
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 5_000;
/** Answers of a server, or of a proxy before it, after which the same request may succeed later. */
const TRANSIENT_STATUS = new Set([429, 500, 502, 503, 504]);

/**
 * Why a request failed for good, as a sentence to print. `code` is the GraphQL error's, or `UNREACHABLE`,
 * `BAD_ANSWER`, `STOPPED`.
 */
export class RequestError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export interface GraphqlClientOptions {
  /** The GraphQL endpoint: `http://localhost:4000/graphql`. */
  readonly url: string;
  readonly token: string;
  /** How long a request that fails for a passing reason is repeated. */
  readonly patienceMs: number;
  /** Ends waiting and sending. */
  readonly signal?: AbortSignal;
  /** Called before each wait. */
  onRetry?(reason: string): void;
}

export interface GraphqlClient {
  /**
   * Sends a document and reads `data` through `schema`. Network errors, 429 and 5xx are repeated, so what is
   * sent must be safe to repeat: give commands an idempotency key.
   * @throws RequestError
   */
  execute<T>(document: string, variables: Record<string, unknown>, schema: z.ZodType<T>): Promise<T>;
  /** Reads something small, without repeats, to find out whether a gateway answers and accepts the token. @throws RequestError */
  probe(): Promise<void>;
}

type Attempt = { readonly data: unknown } | { readonly retry: string; readonly afterMs: number };

const envelope = z.object({
  data: z.unknown().optional(),
  errors: z
    .array(
      z.object({
        message: z.string(),
        extensions: z.object({ code: z.string().optional(), errorId: z.string().optional() }).optional(),
      }),
    )
    .optional(),
});

/** Makes a client of one gateway. */
export function graphqlClient(options: GraphqlClientOptions): GraphqlClient {
  return {
    async execute(document, variables, schema) {
      const data = await persist(options, { query: document, variables }, options.patienceMs);
      const read = schema.safeParse(data);
      if (read.success) return read.data;
      throw new RequestError('BAD_ANSWER', `${options.url} answered in a form that Waybill does not use.`);
    },
    async probe() {
      await persist(options, { query: '{ vehicles(first: 1) { edges { node { id } } } }' }, 0);
    },
  };
}

async function persist(options: GraphqlClientOptions, body: object, patienceMs: number): Promise<unknown> {
  const deadline = Date.now() + patienceMs;
  for (let attempt = 0; ; attempt += 1) {
    const outcome = await send(options, body);
    if ('data' in outcome) return outcome.data;
    const pause = Math.max(outcome.afterMs, backoffMs(attempt));
    if (Date.now() + pause > deadline) throw new RequestError('UNREACHABLE', `${outcome.retry}.`);
    options.onRetry?.(outcome.retry);
    await pauseFor(pause, options.signal);
  }
}

/** How long to wait before the repeat number `attempt` (from 0): doubling, bounded, with half of it at random. */
export function backoffMs(attempt: number): number {
  const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt);
  return longest * (0.5 + Math.random() / 2);
}

/** Waits, unless told to stop. @throws RequestError `STOPPED` */
export async function pauseFor(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await wait(ms, undefined, signal === undefined ? {} : { signal });
  } catch {
    throw new RequestError('STOPPED', 'Stopped.');
  }
}

async function send(options: GraphqlClientOptions, body: object): Promise<Attempt> {
  if (options.signal?.aborted) throw new RequestError('STOPPED', 'Stopped.');
  let response: Response;
  let text: string;
  try {
    response = await fetch(options.url, {
      method: 'POST',
      headers: {
        accept: 'application/graphql-response+json, application/json',
        'content-type': 'application/json',
        authorization: `Bearer ${options.token}`,
      },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
    text = await response.text();
  } catch (error) {
    return { retry: `The gateway at ${options.url} cannot be reached (${reasonOf(error)})`, afterMs: 0 };
  }
  if (TRANSIENT_STATUS.has(response.status)) {
    const afterMs = Number(response.headers.get('retry-after') ?? 0) * 1000;
    const code = envelope.safeParse(jsonOf(text)).data?.errors?.[0]?.extensions?.code;
    const why = code === undefined ? '' : ` (${code})`;
    const retry = `The gateway at ${options.url} answers with HTTP status ${response.status}${why}`;
    return { retry, afterMs: Number.isFinite(afterMs) ? afterMs : 0 };
  }
  return { data: dataOf(text, response.status, options.url) };
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return `no answer within ${REQUEST_TIMEOUT_MS / 1000} s`;
  const { cause } = error;
  if (cause instanceof AggregateError && cause.errors[0] instanceof Error) return cause.errors[0].message;
  return cause instanceof Error ? cause.message : error.message;
}

function dataOf(text: string, status: number, url: string): unknown {
  const read = envelope.safeParse(jsonOf(text));
  if (!read.success) {
    const hint = status === 404 ? ' Is the path right? It usually ends in /graphql.' : '';
    throw new RequestError('BAD_ANSWER', `${url} is no GraphQL endpoint (HTTP status ${status}).${hint}`);
  }
  const [error] = read.data.errors ?? [];
  if (error === undefined) return read.data.data;
  const code = error.extensions?.code ?? 'BAD_REQUEST';
  if (code === 'UNAUTHENTICATED')
    throw new RequestError(code, `The gateway does not accept the token: ${error.message} (UNAUTHENTICATED)`);
  const errorId = error.extensions?.errorId;
  const trace = errorId === undefined ? '' : `; the gateway's log has it under ${errorId}`;
  throw new RequestError(code, `The gateway refuses the request: ${error.message} (${code}${trace})`);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
