import { GraphQLError } from 'graphql';

/** Codes of errors that are no refusals: of reads, of subscriptions and of the transport. */
export type ErrorCode =
  | 'UNAUTHENTICATED'
  | 'FORBIDDEN'
  | 'INVALID_INPUT'
  | 'INVALID_CURSOR'
  | 'SLOW_CONSUMER'
  | 'UNAVAILABLE'
  | 'OVERLOADED'
  | 'INTERNAL_SERVER_ERROR';

const HTTP_STATUS: Partial<Record<ErrorCode, number>> = {
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  INVALID_INPUT: 400,
  INVALID_CURSOR: 400,
  UNAVAILABLE: 503,
  OVERLOADED: 503,
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

/** How long to wait before asking an overloaded process again, in s: what it has in hand is done by then. */
export const RETRY_AFTER_SECONDS = 1;

/** The process has as much in hand as it may; nothing was begun. Over HTTP, `Retry-After` says how long to wait, too. */
export function overloaded(): GraphQLError {
  return new GraphQLError('There is too much to do at the moment. Nothing was begun: send the same again.', {
    extensions: {
      code: 'OVERLOADED' satisfies ErrorCode,
      retryAfterSeconds: RETRY_AFTER_SECONDS,
      http: { status: 503, headers: { 'retry-after': String(RETRY_AFTER_SECONDS) } },
    },
  });
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
