import {
  type ChangeStream,
  type ChangeStreamDocument,
  type Document,
  type ResumeToken,
  Timestamp,
} from 'mongodb';

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

/** Which changes are followed. The same for a saved token as when it was saved (else error 280). */
export interface ChangeFilter {
  /** Only these collections of the database. */
  readonly collections: readonly string[] | RegExp;
  /** A drop or rename that is not among these ends the stream. */
  readonly operations: readonly Change['operation'][];
  /** Only documents with these field values; inserts and replaces only. */
  readonly where?: Readonly<Record<string, string>>;
  /** Only these fields of the documents; all if absent. What is not read need not travel. */
  readonly fields?: readonly string[];
}

const ENDINGS = new Set<string>(['drop', 'rename', 'dropDatabase', 'invalidate']);

/** What makes the server send no more than these. */
export function pipelineOf({ collections, operations, where = {}, fields: shown }: ChangeFilter): Document[] {
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

/**
 * Adds what came with one reply to `changes`, up to a batch.
 * @returns `ended` where a collection was dropped or renamed that should have stayed
 */
export async function collect(
  from: ChangeStream,
  first: ChangeStreamDocument,
  changes: Change[],
  operations: readonly string[],
  batch: number,
): Promise<'ended' | undefined> {
  for (let raw: ChangeStreamDocument | null = first; raw !== null; ) {
    if (ENDINGS.has(raw.operationType) && !operations.includes(raw.operationType)) return 'ended';
    const change = toChange(raw);
    if (change !== null) changes.push(change);
    // These are decoded from the reply at hand, without a round trip.
    raw = changes.length < batch && from.bufferedCount() > 0 ? await from.tryNext() : null;
  }
  return undefined;
}

/** A change as the server gives it; null for one that is of no document and no collection's end. */
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
