import { type ClientSession, type MongoClient, MongoError, type TransactionOptions } from 'mongodb';
import { retry } from './backoff.ts';

const TRANSACTION: TransactionOptions = {
  readConcern: { level: 'snapshot' },
  writeConcern: { w: 'majority', journal: true },
  readPreference: 'primary',
};

/** Each of these is already two tries of the driver's. */
const COMMIT_TRIES = 4;

/**
 * Runs `work` in a transaction and commits it, durably and by a majority.
 * @throws whatever `work` and MongoDB throw. After an error of the commit it is unknown whether it took place: only
 *   reading tells.
 */
export async function transact(
  client: MongoClient,
  work: (session: ClientSession) => Promise<void>,
): Promise<void> {
  const session = client.startSession();
  try {
    session.startTransaction(TRANSACTION);
    await work(session);
    await commitForCertain(session);
  } catch (error) {
    // What failed is known already; that it could not be aborted as well adds nothing.
    if (session.inTransaction()) await session.abortTransaction().catch(() => undefined);
    throw error;
  } finally {
    await session.endSession();
  }
}

/**
 * Commits, and asks again where the answer was lost: the server may still hold the transaction open, and with it the
 * rows, until its lifetime ends (60 s by default).
 */
function commitForCertain(session: ClientSession): Promise<void> {
  return retry(() => session.commitTransaction(), {
    when: (error) => error instanceof MongoError && error.hasErrorLabel('UnknownTransactionCommitResult'),
    tries: COMMIT_TRIES,
  });
}
