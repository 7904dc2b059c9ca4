import type { Db } from 'mongodb';
import type { Logger } from 'pino';
import { NewerVersion } from '../../newer.ts';
import type { Projection } from '../../projection.ts';
import { awaitGeneration } from './await-next.ts';
import { createPointers, generationCollection, type Pointer, pointersOf, putBackPointer } from './pointer.ts';
import { shareByArguments, shareNextRun } from './single-flight.ts';

type Named = Pick<Projection, 'name'>;

/** The rows of a read model are of newer code than this, which would write what that took out: it only reads them. */
function newerRows(projection: string, rows: number, code: number): NewerVersion {
  return new NewerVersion(
    'read_model',
    `${projection} version ${rows}`,
    `The read model ${projection} was built by a newer Waybill (version ${rows}; this one has ${code}): start that one.`,
  );
}

/**
 * Where each read model's rows are at present. Known from the pointers, which are read again as they are used: no
 * timer, no change stream. Writers may be wrong about it, since a sealed collection takes no row; readers are not.
 */
export interface LiveGenerations {
  /** The collection, as known now: a look-up in memory, for writers. */
  collectionOf(projection: Named): string;
  /** The collection to read, never one that was left before the call. */
  collectionToRead(projection: Named): Promise<string>;
  /**
   * To be awaited before writing rows of these read models: makes sure that what is known is not so old that the
   * collection may be gone, or newer code may have taken over.
   * @throws NewerVersion where the rows of one of them are of newer code than this
   */
  beforeWriting(names: Iterable<string>): Promise<void>;
  /** Set where the rows are of newer code than this, as far as is known now. */
  newerRows(projection: Named): NewerVersion | undefined;
  /** The pointer as known now. */
  pointer(projection: Named): Pointer;
  /** Reads the pointers; shared by all who ask before it begins. @throws what MongoDB throws */
  refresh(): Promise<void>;
  /**
   * For a writer that found the collection `from` sealed: waits until the rows are elsewhere, or the switch was called
   * off, and calls it off if the rebuild has died. Then write again. @throws StillSealed after a time
   */
  awaitNext(name: string, from: string): Promise<void>;
}

export interface LiveGenerationsOptions {
  readonly db: Db;
  readonly log: Logger;
  readonly projections: readonly Projection[];
  /** Names this process where it lifts a seal. */
  readonly producerId: string;
  /** Told, whenever the pointers are read, of every read model whose rows are of newer code than this. */
  readonly onNewer?: (error: NewerVersion) => void;
}

/** Younger knowledge is used as it is, in ms. */
const FRESH_MS = 500;
/** Older knowledge is renewed before rows are read by it; between the two it is renewed in the background. In ms. */
export const TRUST_MS = 1_000;
/** Older knowledge is renewed before rows are written by it, in ms: a generation is dropped long after that. */
export const WRITE_TRUST_MS = 10_000;

/** Reads the pointers, and puts in place those that are missing. */
export async function openLiveGenerations(options: LiveGenerationsOptions): Promise<LiveGenerations> {
  const { db, log, projections, producerId } = options;
  await createPointers(db, projections);
  const pointers = new Map<string, Pointer>();
  const collections = new Map<string, string>();
  let readAt = 0;
  let newer = new Map<string, NewerVersion>();

  const refresh = shareNextRun(async () => {
    const asOf = Date.now();
    const found = await pointersOf(db)
      .find({}, { projection: { ahead: 0 } })
      .toArray();
    for (const lost of lostOf(pointers, found)) {
      log.error({ projection: lost._id, generation: lost.generation }, 'a pointer was lost; put back');
      found.push(await putBackPointer(db, lost));
    }
    for (const pointer of found) {
      if ((pointers.get(pointer._id)?.revision ?? 0) > pointer.revision) continue;
      pointers.set(pointer._id, pointer);
      collections.set(pointer._id, generationCollection(pointer._id, pointer.generation));
    }
    readAt = asOf;
    newer = newerBy(projections, pointers);
    for (const error of newer.values()) options.onNewer?.(error);
  });
  /** A clock that was put back makes all knowledge old. */
  const age = (): number => {
    const ms = Date.now() - readAt;
    return ms < 0 ? Number.POSITIVE_INFINITY : ms;
  };
  const collectionOf = ({ name }: Named): string => collections.get(name) ?? name;
  const pointer = ({ name }: Named): Pointer => {
    const known = pointers.get(name);
    if (known === undefined) throw new Error(`The store was not opened with the read model ${name}.`);
    return known;
  };
  const reader = { db, log, producerId, pointer, refresh };

  await refresh();
  return {
    collectionOf,
    async collectionToRead(projection) {
      const ms = age();
      // While a switch is on, every read asks: it may come at any moment.
      if (ms > TRUST_MS || pointers.get(projection.name)?.sealing !== undefined) await refresh();
      else if (ms > FRESH_MS) refresh().catch(() => undefined);
      return collectionOf(projection);
    },
    async beforeWriting(names) {
      if (age() > WRITE_TRUST_MS) await refresh();
      if (newer.size === 0) return;
      for (const name of names) {
        const error = newer.get(name);
        if (error !== undefined) throw error;
      }
    },
    newerRows: ({ name }) => newer.get(name),
    pointer,
    refresh,
    awaitNext: shareByArguments((name, from) => awaitGeneration(reader, name, from)),
  };
}

/** Pointers that this process knows and the database has not any more: somebody has dropped them. */
function lostOf(known: ReadonlyMap<string, Pointer>, found: readonly Pointer[]): Pointer[] {
  const there = new Set(found.map(({ _id }) => _id));
  return [...known.values()].filter(({ _id }) => !there.has(_id));
}

/** The read models whose rows are of newer code than this. */
function newerBy(
  projections: readonly Projection[],
  pointers: ReadonlyMap<string, Pointer>,
): Map<string, NewerVersion> {
  const newer = new Map<string, NewerVersion>();
  for (const { name, version } of projections) {
    const rows = pointers.get(name)?.version ?? 0;
    if (rows > version) newer.set(name, newerRows(name, rows, version));
  }
  return newer;
}
