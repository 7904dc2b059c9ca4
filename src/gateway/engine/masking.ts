import { GraphQLError } from 'graphql';
import type { Logger } from 'pino';
import { ProofUnavailableError } from '../../access/authenticate.ts';
import { InvalidCursorError } from '../../eventstore/feed/cursor.ts';
import { SlowConsumerError } from '../../eventstore/feed/limits.ts';
import { newId } from '../../eventstore/ids.ts';
import { NewerVersion } from '../../eventstore/newer.ts';
import { clientError, newerVersion } from '../../graphql/errors.ts';
import type { Metrics } from '../../metrics/metrics.ts';

/** Turns any error into one that may be shown to a client. */
export type Mask = (error: unknown) => GraphQLError;

/**
 * Makes the mask. What was meant for the client passes; everything else is a bug of ours: the client gets an
 * `errorId`, and the log has the error under the same id. Holds on HTTP and on sockets.
 */
export function errorMask(log: Logger, metrics: Pick<Metrics, 'bugs'>): Mask {
  return (error) => {
    const cause = rootOf(error);
    if (cause instanceof GraphQLError && isMeant(cause, error))
      return error instanceof GraphQLError ? error : cause;
    const known = knownError(cause);
    const located = error instanceof GraphQLError ? error : undefined;
    if (known !== undefined) return at(located, known.message, known.extensions);
    const errorId = newId();
    metrics.bugs.inc();
    log.error(
      { err: cause, errorId, path: located?.path?.join('.') },
      'unexpected error; masked to the client',
    );
    return at(located, `Something went wrong on our side. The log has it as ${errorId}.`, {
      code: 'INTERNAL_SERVER_ERROR',
      errorId,
      http: { status: 500 },
    });
  };
}

/**
 * Whether an error of GraphQL was meant for the client. One without a code that comes from a resolver is not: a value was not
 * what the schema says, for instance.
 */
function isMeant(cause: GraphQLError, error: unknown): boolean {
  const failedAt = error instanceof GraphQLError ? error.path : undefined;
  return failedAt === undefined || cause.extensions.code !== undefined;
}

/** GraphQL wraps what a resolver throws; the error that was thrown is at the end of the chain. */
function rootOf(error: unknown): unknown {
  let root = error;
  while (root instanceof GraphQLError && root.originalError !== undefined) root = root.originalError;
  return root;
}

function knownError(error: unknown): GraphQLError | undefined {
  if (error instanceof SlowConsumerError) return clientError('SLOW_CONSUMER', error.message);
  if (error instanceof InvalidCursorError) return clientError('INVALID_CURSOR', error.message, 'after');
  if (error instanceof ProofUnavailableError) return clientError('UNAVAILABLE', error.message);
  if (error instanceof NewerVersion) return newerVersion();
  return undefined;
}

function at(
  located: GraphQLError | undefined,
  message: string,
  extensions: GraphQLError['extensions'],
): GraphQLError {
  if (located === undefined) return new GraphQLError(message, { extensions });
  const { nodes = null, source = null, positions = null, path = null } = located;
  return new GraphQLError(message, { nodes, source, positions, path, extensions });
}

/** An error without the HTTP status it would set: as a socket carries it. */
export function withoutHttp(error: GraphQLError): GraphQLError {
  if (error.extensions.http === undefined) return error;
  const { http: _, ...extensions } = error.extensions;
  return at(error, error.message, extensions);
}
