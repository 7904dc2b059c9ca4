import { GraphQLError } from 'graphql';
import { type Refusal, refusal } from '../refusal.ts';

/** Codes of errors that are no refusals: of reads, of subscriptions and of the transport. */
export type ErrorCode =
  | 'UNAUTHENTICATED'
  | 'FORBIDDEN'
  | 'INVALID_INPUT'
  | 'INVALID_CURSOR'
  | 'SLOW_CONSUMER'
  | 'UNAVAILABLE'
  | 'OVERLOADED'
  | 'MAX_COST_EXCEEDED'
  | 'RATE_LIMITED'
  | 'CLIENT_CLOSED_REQUEST'
  | 'TOO_MUCH_OPEN'
  | 'NEWER_VERSION'
  | 'INTERNAL_SERVER_ERROR';

const HTTP_STATUS: Partial<Record<ErrorCode, number>> = {
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  INVALID_INPUT: 400,
  INVALID_CURSOR: 400,
  UNAVAILABLE: 503,
  OVERLOADED: 503,
  MAX_COST_EXCEEDED: 400,
  RATE_LIMITED: 429,
  CLIENT_CLOSED_REQUEST: 499,
  TOO_MUCH_OPEN: 429,
  NEWER_VERSION: 503,
};

/** An error that a client is meant to read: its code, a sentence, and the HTTP status where the whole answer fails. */
export function clientError(code: ErrorCode, message: string, field?: string): GraphQLError {
  const status = HTTP_STATUS[code];
  return new GraphQLError(message, {
    extensions: {
      code,
      ...(field === undefined ? {} : { field }),
      ...(status === undefined ? {} : { http: { status } }),
    },
  });
}

/** How long to wait before asking again, in s: what an overloaded process has in hand is done by then. */
export const RETRY_AFTER_SECONDS = 1;

/** The process has as much in hand as it may; nothing was begun. Over HTTP, `Retry-After` says how long to wait, too. */
export function overloaded(): GraphQLError {
  return later(
    'OVERLOADED',
    'There is too much to do at the moment. Nothing was begun: send the same again.',
  );
}

/** A newer version of Waybill has written what this process can't judge; one of that version answers the same request. */
export function newerVersion(): GraphQLError {
  return later('NEWER_VERSION', refusal('NEWER_VERSION').message);
}

/**
 * A refusal as the answer to a lone command.
 * @throws NEWER_VERSION, which says nothing about the command: whoever sends it tries again, as after an overload
 */
export function unlessNewer(refused: Refusal): Refusal {
  if (refused.code === 'NEWER_VERSION') throw newerVersion();
  return refused;
}

function later(code: ErrorCode, message: string, seconds = RETRY_AFTER_SECONDS): GraphQLError {
  return new GraphQLError(message, {
    extensions: {
      code,
      retryAfterSeconds: seconds,
      http: { status: HTTP_STATUS[code] ?? 503, headers: { 'retry-after': String(seconds) } },
    },
  });
}

/** A document takes more than the caller's role may ask for at once; nothing was begun. */
export function tooCostly(points: number, limit: number): GraphQLError {
  const told = Number.isFinite(points) ? `${points} points` : 'too much to be counted';
  return new GraphQLError(
    `The document costs ${told}, and one may cost ${limit}: ask for fewer rows, or for less of each. Nothing was begun.`,
    {
      extensions: {
        code: 'MAX_COST_EXCEEDED',
        cost: { points: finite(points), limit },
        http: { status: 400 },
      },
    },
  );
}

/** What is no number of JSON is told as none. */
function finite(points: number): number | null {
  return Number.isFinite(points) ? points : null;
}

/** More objects came than anyone could tell before: what there is of them is more than one answer may hold. */
export function tooLarge(): GraphQLError {
  return clientError(
    'MAX_COST_EXCEEDED',
    'There is more to be shown than one answer may hold: ask for fewer rows, or for less of each.',
  );
}

/** The client has left: what is thrown to stop working for it, and read by nobody. */
export function clientLeft(): GraphQLError {
  return clientError('CLIENT_CLOSED_REQUEST', 'The client left before its answer was made.');
}

/** The caller or its tenant has as many connections open as it may, or subscriptions that hold as much; nothing was begun. */
export function tooMuchOpen(): GraphQLError {
  return clientError(
    'TOO_MUCH_OPEN',
    'The caller has as much open as it may: close connections or subscriptions first, or ask with shorter filters.',
  );
}

/** The caller has used up what it may use for now; nothing was begun. @param seconds until there is some again */
export function rateLimited(seconds: number): GraphQLError {
  return later(
    'RATE_LIMITED',
    'That is more than this caller may ask for in this time. Nothing was begun.',
    seconds,
  );
}

/** Nobody proved who is calling. */
export function unauthenticated(message = 'A valid token or API key is required.'): GraphQLError {
  return clientError('UNAUTHENTICATED', message);
}

/** The caller is known, and may not. */
export function forbidden(message = 'The role of the caller does not allow this.'): GraphQLError {
  return clientError('FORBIDDEN', message);
}

/** An argument of a read is malformed; `field` names it. */
export function invalidInput(message: string, field: string): GraphQLError {
  return clientError('INVALID_INPUT', message, field);
}
