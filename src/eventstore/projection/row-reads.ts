import type { Db, Filter } from 'mongodb';
import { turn } from '../next-turn.ts';
import type { Row } from '../projection.ts';

/** Reads rows by id; what is asked for at the same time, by whichever request, travels as one `$in`. */
export interface RowReads {
  /** The rows that there are of these, majority-committed, by their `_id`. Each read begins after the call. */
  byIds(collection: string, ids: readonly string[]): Promise<ReadonlyMap<string, Row>>;
}

/** How many ids go into one `$in`, unless one asker alone has more. */
const READ_BATCH = 1_000;
/** Reads of one collection that are on their way at once: while they are, others gather. */
const IN_FLIGHT = 1;

interface Asker {
  readonly ids: readonly string[];
  readonly resolve: (rows: ReadonlyMap<string, Row>) => void;
  readonly reject: (error: unknown) => void;
}

/** The driver takes about 0.3 ms of CPU a call, whatever it carries: gathered, a hundred readers pay that together. */
export function openRowReads(db: Db): RowReads {
  const gatherings = new Map<string, Asker[]>();
  const underWay = new Map<string, number>();

  const send = async (collection: string): Promise<void> => {
    underWay.set(collection, (underWay.get(collection) ?? 0) + 1);
    // What is ready now can gather until the next turn.
    await turn();
    for (let askers = take(collection); askers.length > 0; askers = take(collection)) {
      try {
        const rows = await read(db, collection, askers);
        for (const { resolve } of askers) resolve(rows);
      } catch (error) {
        for (const { reject } of askers) reject(error);
      }
    }
    underWay.set(collection, (underWay.get(collection) ?? 1) - 1);
  };

  const take = (collection: string): readonly Asker[] => {
    const waiting = gatherings.get(collection) ?? [];
    let ids = 0;
    const end = waiting.findIndex((asker, index) => {
      ids += asker.ids.length;
      return index > 0 && ids > READ_BATCH;
    });
    return waiting.splice(0, end === -1 ? waiting.length : end);
  };

  return {
    byIds(collection, ids) {
      return new Promise((resolve, reject) => {
        const waiting = gatherings.get(collection) ?? [];
        gatherings.set(collection, waiting);
        waiting.push({ ids, resolve, reject });
        if ((underWay.get(collection) ?? 0) < IN_FLIGHT) void send(collection);
      });
    },
  };
}

async function read(db: Db, collection: string, askers: readonly Asker[]): Promise<ReadonlyMap<string, Row>> {
  const ids = new Set(askers.flatMap((asker) => asker.ids));
  const rows = db.collection<Row>(collection, { readConcern: { level: 'majority' } });
  const wanted = { _id: ids.size === 1 ? [...ids][0] : { $in: [...ids] } } as Filter<Row>;
  // One more than there can be: all come in the first reply.
  const found = (await rows.find(wanted, { batchSize: ids.size + 1 }).toArray()) as Row[];
  return new Map(found.map((row) => [row._id, row]));
}
