import type { Db } from 'mongodb';
import type { Logger } from 'pino';
import type { Projection } from '../projection.ts';
import { awaitMove } from './await-generation.ts';
import { createPointers } from './first-pointer.ts';
import { generationCollection, type Pointer, pointersOf } from './generation.ts';

type Named = Pick<Projection, 'name'>;

/** This code is older than the rows: it would write what newer code took out, and must not go on. */
export class OutdatedCode extends Error {
  override readonly name = 'OutdatedCode';

  constructor(projection: string, rows: number, code: number) {
    super(
      `The read model ${projection} was built by a newer Waybill (version ${rows}; this one has ${code}): start that one.`,
    );
  }
}

/**
 * Where each read model's rows are at present. Known from the pointers, which are read again as they are used: no
 * timer, no change stream. Writers may be wrong about it, since a sealed collection takes no row; readers are not.
 */
export interface Live {
  /** The collection, as known now: a look-up in memory, for writers. */
  of(projection: Named): string;
  /** The collection to read, never one that was left before the call. */
  forReading(projection: Named): Promise<string>;
  /**
   * To be awaited before writing: makes sure that what is known is not so old that the collection may be gone.
   * @throws OutdatedCode
   */
  forWriting(): Promise<void>;
  /** The pointer as known now. */
  pointer(projection: Named): Pointer;
  /** Reads the pointers; shared by all who ask before it begins. @throws OutdatedCode; what MongoDB throws */
  refresh(): Promise<void>;
  /**
   * For a writer that found `from` sealed: waits until the rows are elsewhere, or the switch was called off, and sees
   * to the latter if the rebuild has died. Then write again. @throws StillSealed after a time
   */
  moved(name: string, from: string): Promise<void>;
}

export interface LiveOptions {
  readonly db: Db;
  readonly log: Logger;
  readonly projections: readonly Projection[];
  /** Names this process where it lifts a seal. */
  readonly producerId: string;
  /** Told once when the rows turn out to be of newer code than this: the process should end. */
  readonly onOutdated?: (error: OutdatedCode) => void;
}

/** Younger knowledge is used as it is, in ms. */
const FRESH_MS = 500;
/** Older knowledge is not read by before it was renewed; between the two it is renewed beside. In ms. */
export const TRUST_MS = 1_000;
/** Older knowledge is not written by, in ms: a generation is dropped long after that. */
export const WRITE_TRUST_MS = 10_000;

/** Reads the pointers, and puts in place those that are missing. @throws OutdatedCode */
export async function openLive(options: LiveOptions): Promise<Live> {
  const { db, projections } = options;
  await createPointers(db, projections);
  const pointers = new Map<string, Pointer>();
  const collections = new Map<string, string>();
  let readAt = 0;
  let outdated: OutdatedCode | undefined;
  let isOpen = false;

  const load = async (): Promise<void> => {
    const asOf = Date.now();
    for (const pointer of await pointersOf(db)
      .find({}, { projection: { ahead: 0 } })
      .toArray()) {
      if ((pointers.get(pointer._id)?.revision ?? 0) > pointer.revision) continue;
      pointers.set(pointer._id, pointer);
      collections.set(pointer._id, generationCollection(pointer._id, pointer.generation));
    }
    readAt = asOf;
    for (const { name, version } of projections) {
      const rows = pointers.get(name)?.version ?? 0;
      if (rows <= version || outdated !== undefined) continue;
      outdated = new OutdatedCode(name, rows, version);
      if (isOpen) options.onOutdated?.(outdated);
    }
    if (outdated !== undefined) throw outdated;
  };

  const refresh = sharing(load);
  /** A clock that was put back makes all knowledge old. */
  const age = (): number => {
    const ms = Date.now() - readAt;
    return ms < 0 ? Number.POSITIVE_INFINITY : ms;
  };
  const of = ({ name }: Named): string => collections.get(name) ?? name;
  const pointerOf = ({ name }: Named): Pointer => {
    const pointer = pointers.get(name);
    if (pointer === undefined) throw new Error(`The store was not opened with the read model ${name}.`);
    return pointer;
  };

  const live: Live = {
    of,
    async forReading(projection) {
      const ms = age();
      // While a switch is on, every read asks: it may come at any moment.
      if (ms > TRUST_MS || pointers.get(projection.name)?.sealing !== undefined) await refresh();
      else if (ms > FRESH_MS) refresh().catch(() => undefined);
      return of(projection);
    },
    async forWriting() {
      if (age() > WRITE_TRUST_MS) await refresh();
      if (outdated !== undefined) throw outdated;
    },
    pointer: pointerOf,
    refresh,
    moved: shareByKey((name, from) => awaitMove({ ...options, live }, name, from)),
  };
  await refresh();
  isOpen = true;
  return live;
}

/** Read models whose rows are of older code than this, or of none: they want a rebuild. */
export function staleProjections(store: {
  readonly live: Live;
  readonly projections: readonly Projection[];
}): Projection[] {
  return store.projections.filter(
    (projection) => store.live.pointer(projection).version < projection.version,
  );
}

/** One at a time: who asks while it runs gets the next run, since this one may have looked already. */
function sharing(run: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  const start = (): Promise<void> => {
    running = run().finally(() => {
      running = undefined;
    });
    return running;
  };
  return () => {
    if (running === undefined) return start();
    next ??= running
      .catch(() => undefined)
      .then(() => {
        next = undefined;
        return start();
      });
    return next;
  };
}

/** Concurrent callers with the same arguments share one run. */
function shareByKey(
  run: (name: string, from: string) => Promise<void>,
): (name: string, from: string) => Promise<void> {
  const running = new Map<string, Promise<void>>();
  return (name, from) => {
    const key = `${name}/${from}`;
    const known = running.get(key);
    if (known !== undefined) return known;
    const started = run(name, from).finally(() => running.delete(key));
    running.set(key, started);
    return started;
  };
}
