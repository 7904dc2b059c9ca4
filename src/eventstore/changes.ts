import {
  type ChangeStream,
  type ChangeStreamDocument,
  type Db,
  type Document,
  MongoError,
  MongoServerError,
  type ResumeToken,
  type ServerDescriptionChangedEvent,
  Timestamp,
} from 'mongodb';
import type { Logger } from 'pino';
import { backoff } from './backoff.ts';

/**
 * One document put into, replaced in or taken from a collection, or a whole collection dropped or renamed away;
 * majority-committed, in the order of commit.
 */
export interface Change {
  readonly collection: string;
  readonly operation: 'insert' | 'replace' | 'delete' | 'drop' | 'rename';
  /** The document's `_id`; undefined for a whole collection, and where only some fields were asked for. */
  readonly key: unknown;
  /** The whole document as the change left it; null for what is gone. */
  readonly document: Document | null;
  /** When it was committed. All changes of one transaction share it. */
  readonly clusterTime: Timestamp;
  /** The same by the server's clock, in ms. */
  readonly committedAt: Date;
}

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
      /** Everything committed before this moment has been told. Moves on while nothing happens, too. */
      readonly upTo: Timestamp | undefined;
    }
  | { readonly kind: 'lost'; readonly reason: LostReason; readonly error?: unknown };

export interface ChangesOptions {
  /** Only these collections of the database. Never changes for a saved token (error 280). */
  readonly collections: readonly string[] | RegExp;
  /** A drop or rename that is not among these ends the stream. */
  readonly operations: readonly Change['operation'][];
  /** Only documents with these field values; inserts and replaces only. */
  readonly where?: Readonly<Record<string, string>>;
  /** Only these fields of the documents; all if absent. What is not read need not travel. */
  readonly fields?: readonly string[];
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
   * What comes next; null once stopped. After `lost` the stream is over: the reader opens another one and makes up
   * for what lies between. Never throws: everything else is tried again for ever, with a bounded wait between.
   */
  next(): Promise<Signal | null>;
  /** Ends a pending `next()` at once. */
  stop(): void;
}

const IDLE_MS = 1_000;
/** CappedPositionLost, InvalidResumeToken, ChangeStreamFatalError, ChangeStreamHistoryLost, BSONObjectTooLarge. */
const LOST_CODES = new Set<unknown>([136, 260, 280, 286, 10_334]);
/** What the server says of a token that it cannot read: no retry helps, and a fresh start does. */
const UNREADABLE_TOKEN_CODES = new Set<unknown>([9, 14, 40_576, 40_615, 40_647, 40_648, 40_649, 50_811]);
const ENDINGS = new Set<string>(['drop', 'rename', 'dropDatabase', 'invalidate']);
const WRITABLE = new Set<string>(['RSPrimary', 'Mongos', 'Standalone', 'LoadBalancer']);

/** The present moment of the cluster's clock: a stream opened there misses nothing that is acknowledged later. */
export async function clusterNow(db: Db): Promise<Timestamp> {
  const { operationTime } = await db.command({ ping: 1 });
  if (!(operationTime instanceof Timestamp)) throw new Error('This MongoDB is no replica set.');
  return operationTime;
}

/**
 * Follows collections of a database. The driver's own resuming is not relied on: after an election it waits for the
 * dead server until server selection times out. Instead the stream is abandoned the moment its server is no longer
 * the primary, and another is opened after the last token.
 */
export function openChanges(db: Db, options: ChangesOptions): Changes {
  const { log, batch = 1_000, idleMs = IDLE_MS } = options;
  const operations = new Set<string>(options.operations);
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
    const next = db.watch(pipelineOf(options), { maxAwaitTimeMS: idleMs, batchSize: batch, ...place });
    // The first reply brings a token, or documents; the driver would wait for a second one before it says so.
    next.once('resumeTokenChanged', () => markOpen());
    return next;
  };
  const abandon = (): void => {
    // Not awaited: closing asks the server that has just been lost.
    stream?.close().catch(() => undefined);
    stream = undefined;
  };
  const onServer = ({
    previousDescription: before,
    newDescription: after,
  }: ServerDescriptionChangedEvent) => {
    if (WRITABLE.has(before.type) && before.type !== after.type) interrupt(new MongoError('primary lost'));
  };
  db.client.on('serverDescriptionChanged', onServer);

  const read = async (from: ChangeStream): Promise<Signal> => {
    const first = await new Promise<ChangeStreamDocument | null>((resolve, reject) => {
      interrupt = reject;
      from.tryNext().then(resolve, reject);
    });
    markOpen();
    failures = 0;
    const changes: Change[] = [];
    let raw: ChangeStreamDocument | null = first;
    while (raw !== null) {
      if (ENDINGS.has(raw.operationType) && !operations.has(raw.operationType)) {
        ending = { kind: 'lost', reason: 'replaced' };
        break;
      }
      const change = toChange(raw);
      if (change !== null) changes.push(change);
      // These are decoded from the reply at hand, without a round trip.
      raw = changes.length < batch && from.bufferedCount() > 0 ? await from.tryNext() : null;
    }
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
      db.client.off('serverDescriptionChanged', onServer);
      interrupt(new MongoError('stopped'));
      abandon();
    },
  };
}

function startOf({ from }: ChangesOptions): { startAtOperationTime?: Timestamp } {
  return 'at' in from ? { startAtOperationTime: from.at } : {};
}

function pipelineOf({ collections, operations, where = {}, fields: shown }: ChangesOptions): Document[] {
  const fields = Object.fromEntries(
    Object.entries(where).map(([name, value]) => [`fullDocument.${name}`, value]),
  );
  const namespace = { 'ns.coll': collections instanceof RegExp ? collections : { $in: [...collections] } };
  return [
    {
      $match: {
        $or: [
          { ...namespace, operationType: { $in: operations.filter(isOfDocument) }, ...fields },
          { ...namespace, operationType: { $in: ['drop', 'rename'] } },
          { operationType: { $in: ['dropDatabase', 'invalidate'] } },
        ],
      },
    },
    ...(shown === undefined ? [] : [projectionOf(shown)]),
  ];
}

/** `_id` is the resume token. Which field is not read need not be made, sent and decoded, a thousand times a second. */
function projectionOf(fields: readonly string[]): Document {
  const kept = [
    'operationType',
    'ns.coll',
    'clusterTime',
    'wallTime',
    ...fields.map((name) => `fullDocument.${name}`),
  ];
  return { $project: Object.fromEntries(kept.map((name) => [name, 1])) };
}

function isOfDocument(operation: Change['operation']): boolean {
  return operation !== 'drop' && operation !== 'rename';
}

/**
 * How far a resume token has come: it begins with the type of what follows (0x82, a timestamp) and the moment, in
 * hexadecimal. Undefined where it does not look like that.
 */
export function timeIn(token: ResumeToken): Timestamp | undefined {
  const data: unknown = typeof token === 'object' && token !== null ? Reflect.get(token, '_data') : undefined;
  const [, t, i] = (typeof data === 'string' && /^82([\dA-F]{8})([\dA-F]{8})/i.exec(data)) || [];
  if (t === undefined || i === undefined) return undefined;
  return new Timestamp({ t: Number.parseInt(t, 16), i: Number.parseInt(i, 16) });
}

function toChange(raw: ChangeStreamDocument): Change | null {
  const { operationType: operation, clusterTime } = raw;
  const isDocument = operation === 'insert' || operation === 'replace' || operation === 'delete';
  if (!isDocument && operation !== 'drop' && operation !== 'rename') return null;
  if (clusterTime === undefined) throw new Error('A change came without its cluster time.');
  // The driver knows it of some kinds of changes only; the server, from 6.0 on, says it of all.
  const wallTime: unknown = Reflect.get(raw, 'wallTime');
  const committedAt = wallTime instanceof Date ? wallTime : new Date(clusterTime.getHighBits() * 1_000);
  const when = { clusterTime, committedAt };
  if (!isDocument) return { collection: raw.ns.coll, operation, key: undefined, document: null, ...when };
  return {
    collection: raw.ns.coll,
    operation,
    key: (raw.documentKey as { _id: unknown } | undefined)?._id,
    document: raw.operationType === 'delete' ? null : raw.fullDocument,
    ...when,
  };
}

function isLost(error: unknown, resuming: boolean): boolean {
  if (!(error instanceof MongoServerError)) return false;
  if (resuming && UNREADABLE_TOKEN_CODES.has(error.code)) return true;
  return LOST_CODES.has(error.code) || error.hasErrorLabel('NonResumableChangeStreamError');
}
