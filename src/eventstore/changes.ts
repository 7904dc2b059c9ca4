import {
  type ChangeStream,
  type ChangeStreamDocument,
  type ClientSession,
  type Db,
  type MongoClient,
  MongoError,
  MongoServerError,
  type ResumeToken,
  type ServerDescriptionChangedEvent,
  Timestamp,
} from 'mongodb';
import type { Logger } from 'pino';
import { backoff, retry } from './backoff.ts';
import { type Change, type ChangeFilter, collect, pipelineOf, timeIn } from './change.ts';

/** Why a stream cannot go on from where it was. */
export type LostReason = 'history' | 'replaced';

export type Signal =
  | {
      readonly kind: 'changes';
      /** Empty when nothing happened for `idleMs`. */
      readonly changes: readonly Change[];
      /** Resumes after `changes`; moves on while nothing happens, too. */
      readonly token: ResumeToken;
      /** More has arrived already. */
      readonly more: boolean;
      /** Everything committed before this moment has been given. Moves on while nothing happens, too. */
      readonly upTo: Timestamp | undefined;
    }
  | { readonly kind: 'lost'; readonly reason: LostReason; readonly error?: unknown };

export interface ChangesOptions extends ChangeFilter {
  /** Where to begin: after a token, or at a moment of the cluster's clock. */
  readonly from: { readonly after: ResumeToken } | { readonly at: Timestamp };
  readonly log: Logger;
  /** At most so many changes in one signal. */
  readonly batch?: number;
  /** How long the server holds an idle request, in ms: the pace of empty signals, not of changes. A second, unless given. */
  readonly idleMs?: number;
  /** Called whenever the stream is opened again, with what broke it. */
  readonly onReopen?: (error: unknown) => void;
}

/** A change stream that outlives elections and lost connections. One reader at a time. */
export interface Changes {
  /** Resolves with the server's first reply: what is committed from now on will be seen. Needs someone in `next()`. */
  readonly opened: Promise<void>;
  /**
   * What comes next; null once stopped. After `lost` the stream is over: the reader opens another one and finds out
   * otherwise what lies between. Never throws: everything else is tried again for ever, with a bounded wait between.
   */
  next(): Promise<Signal | null>;
  /** Ends a pending `next()` at once. */
  stop(): void;
}

const IDLE_MS = 1_000;
const BATCH = 1_000;
/** CappedPositionLost, InvalidResumeToken, ChangeStreamFatalError, ChangeStreamHistoryLost, BSONObjectTooLarge. */
const LOST_CODES = new Set<unknown>([136, 260, 280, 286, 10_334]);
/** What the server says of a token that it cannot read: no retry helps, and a fresh start does. */
const UNREADABLE_TOKEN_CODES = new Set<unknown>([9, 14, 40_576, 40_615, 40_647, 40_648, 40_649, 50_811]);
const WRITABLE = new Set<string>(['RSPrimary', 'Mongos', 'Standalone', 'LoadBalancer']);

/** How often the cluster's clock is asked for: with the waits between, for about ten seconds. */
const CLOCK_TRIES = 10;

/**
 * The present moment of the cluster's clock: a stream opened there misses nothing that is acknowledged later. A server with
 * authentication that has just started tells the time to nobody until it has found the keys by which it signs it; that is
 * waited for.
 */
export async function clusterNow(db: Db, session?: ClientSession): Promise<Timestamp> {
  const ask = async (): Promise<Timestamp> => {
    const { operationTime } = await db.command({ ping: 1 }, session === undefined ? {} : { session });
    if (operationTime instanceof Timestamp) return operationTime;
    throw new NoClusterTime('This MongoDB tells no time of its cluster.');
  };
  return retry(ask, { when: (error) => error instanceof NoClusterTime, tries: CLOCK_TRIES });
}

class NoClusterTime extends Error {
  override readonly name = 'NoClusterTime';
}

/**
 * Follows collections of a database. The driver's own resuming is not relied on: after an election it waits for the
 * dead server until server selection times out. Instead the stream is abandoned the moment its server is no longer
 * the primary, and another is opened after the last token.
 */
export function openChanges(db: Db, options: ChangesOptions): Changes {
  const { log, batch = BATCH, idleMs = IDLE_MS } = options;
  let token: ResumeToken | undefined = 'after' in options.from ? options.from.after : undefined;
  let stream: ChangeStream | undefined;
  let ending: Signal | undefined;
  let stopped = false;
  let failures = 0;
  let interrupt: (error: unknown) => void = () => undefined;
  let markOpen: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    markOpen = resolve;
  });

  const open = (): ChangeStream => {
    const place = token === undefined ? startOf(options) : { resumeAfter: token };
    const opening = db.watch(pipelineOf(options), { maxAwaitTimeMS: idleMs, batchSize: batch, ...place });
    // The first reply brings a token, or documents; the driver would wait for a second one before it says so.
    opening.once('resumeTokenChanged', () => markOpen());
    return opening;
  };
  const abandon = (): void => {
    // Not awaited: closing asks the server that has just been lost.
    stream?.close().catch(() => undefined);
    stream = undefined;
  };
  const unwatch = watchPrimary(db.client, () => interrupt(new MongoError('primary lost')));

  const read = async (from: ChangeStream): Promise<Signal> => {
    const first = await new Promise<ChangeStreamDocument | null>((resolve, reject) => {
      interrupt = reject;
      from.tryNext().then(resolve, reject);
    });
    markOpen();
    failures = 0;
    const changes: Change[] = [];
    if (first !== null && (await collect(from, first, changes, options.operations, batch)) === 'ended')
      ending = { kind: 'lost', reason: 'replaced' };
    token = from.resumeToken;
    return { kind: 'changes', changes, token, more: from.bufferedCount() > 0, upTo: timeIn(token) };
  };

  const next = async (): Promise<Signal | null> => {
    while (!stopped) {
      if (ending !== undefined) return ending;
      try {
        stream ??= open();
        return await read(stream);
      } catch (error) {
        abandon();
        if (stopped) break;
        if (isLost(error, token !== undefined)) {
          ending = { kind: 'lost', reason: 'history', error };
          continue;
        }
        log.warn(
          { err: error, collections: String(options.collections), failures },
          'change stream broke; opening it again',
        );
        options.onReopen?.(error);
        const interrupted = new AbortController();
        interrupt = () => interrupted.abort();
        await backoff(failures++, interrupted.signal);
      }
    }
    return null;
  };

  return {
    opened,
    next,
    stop() {
      stopped = true;
      unwatch();
      interrupt(new MongoError('stopped'));
      abandon();
    },
  };
}

/** Calls `onLost` whenever a server ceases to take writes. @returns ends it */
function watchPrimary(client: MongoClient, onLost: () => void): () => void {
  const onServer = ({ previousDescription, newDescription }: ServerDescriptionChangedEvent): void => {
    if (WRITABLE.has(previousDescription.type) && previousDescription.type !== newDescription.type) onLost();
  };
  client.on('serverDescriptionChanged', onServer);
  return () => client.off('serverDescriptionChanged', onServer);
}

function startOf({ from }: ChangesOptions): { startAtOperationTime?: Timestamp } {
  return 'at' in from ? { startAtOperationTime: from.at } : {};
}

function isLost(error: unknown, resuming: boolean): boolean {
  if (!(error instanceof MongoServerError)) return false;
  if (resuming && UNREADABLE_TOKEN_CODES.has(error.code)) return true;
  return LOST_CODES.has(error.code) || error.hasErrorLabel('NonResumableChangeStreamError');
}
