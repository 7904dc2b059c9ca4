import { MongoBulkWriteError, MongoError, MongoNetworkError, MongoServerSelectionError } from 'mongodb';

/** Labels by which driver and server say that trying again may help. */
const PASSING_LABELS = ['RetryableWriteError', 'TransientTransactionError', 'UnknownTransactionCommitResult'];

/** Server errors that pass: interrupted, stepped down, shutting down, timed out, conflicting, unacknowledged. */
const PASSING_CODES: ReadonlySet<unknown> = new Set([
  6, 7, 24, 50, 64, 79, 89, 91, 112, 189, 202, 225, 244, 246, 251, 256, 262, 290, 317, 9001, 10107, 11600,
  11602, 13435, 13436,
]);

/** True for an error that names itself by this code: the server's numbers, the system's names (`ENOENT`). */
export function hasCode(error: unknown, code: number | string): boolean {
  return codeOf(error) === code;
}

/** True for a violated unique index; which one is never asked, since MongoDB names only one of two. */
export function isDuplicateKey(error: unknown): boolean {
  return codeOf(error) === 11000;
}

/** True where another transaction writes the same at this moment. */
export function isWriteConflict(error: unknown): boolean {
  return codeOf(error) === 112;
}

/** True where the write may have happened, or may yet succeed: only reading back and trying again can tell. */
export function isPassing(error: unknown): boolean {
  if (error instanceof MongoNetworkError || error instanceof MongoServerSelectionError) return true;
  if (error instanceof MongoError && PASSING_LABELS.some((label) => error.hasErrorLabel(label))) return true;
  if (error instanceof MongoBulkWriteError && isUnanswered(error)) return true;
  return PASSING_CODES.has(codeOf(error));
}

/**
 * True where the server has refused nothing: it lacks a majority, or did not answer. A failure of the connection or of its
 * pool comes from an insertMany in this wrapping, which says of what kind it was by nothing but having no code.
 */
function isUnanswered({ result, code, writeErrors }: MongoBulkWriteError): boolean {
  if (result.getWriteConcernError() !== undefined) return true;
  return code === undefined && [writeErrors].flat().length === 0;
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}
