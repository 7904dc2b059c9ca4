import type { Db, Timestamp } from 'mongodb';
import { retry } from '../../backoff.ts';
import type { Change } from '../../change.ts';
import { clusterNow } from '../../changes.ts';
import {
  generationCollection,
  generationsPattern,
  POINTERS,
  type Pointer,
} from '../../projection/generation/pointer.ts';
import { mayReadAgain, pointersAtOnce } from '../../projection/rows-at.ts';
import type { Projection, Row } from '../../projection.ts';

const PIN_TRIES = 5;

/** From a change on, a read model's rows live in another collection. */
export interface GenerationSwitch {
  /** The read model's name. */
  readonly name: string;
  readonly collection: string;
  /** Rows, by `_id`, that are further there than was delivered; null: nothing that was delivered is of use any more. */
  readonly ahead: readonly string[] | null;
}

/** Tells to which read model, or to the log, a change belongs. It depends on what the stream has told up to that change. */
export interface Routes {
  readonly collections: readonly string[] | RegExp;
  readonly operations: readonly Change['operation'][];
  /** Takes the pointers as they are now. @returns the moment from which the stream has to be read */
  pin(): Promise<Timestamp>;
  /** To which read model, or to the log, what is live in the collection belongs; undefined: it concerns nobody. */
  nameOf(collection: string): string | undefined;
  /** Among whose changes it counts: all generations and the pointer do, so that every process counts the same. */
  countedFor(change: Change): string | undefined;
  /** The read model whose rows this change replaces: what comes behind does not continue what came before. */
  replacedBy(change: Change): string | undefined;
  /** Rises with each change of a document; absent where documents never change. */
  versionOf?(document: object): number;
  /** Follows the change where it is one of a pointer. @returns the switch that it is, if any */
  follow(change: Change): GenerationSwitch | undefined;
}

/** The log always lives in one collection. */
export function logRoutes(db: Db): Routes {
  return {
    collections: ['events'],
    operations: ['insert'],
    pin: () => clusterNow(db),
    nameOf: (collection) => collection,
    countedFor: ({ collection }) => collection,
    replacedBy: () => undefined,
    follow: () => undefined,
  };
}

/** A snapshot of a collection that has only just been created is refused for a moment. */
function readAgain<T>(read: () => Promise<T>): Promise<T> {
  return retry(read, { when: mayReadAgain, tries: PIN_TRIES - 1 });
}

/** Rows live where the pointers say. These change in the stream itself; what happens in other collections is not delivered. */
export function rowRoutes(db: Db, projections: readonly Projection[]): Routes {
  const names = projections.map(({ name }) => name);
  const pointers = new Map<string, Pick<Pointer, 'generation' | 'version'>>();
  let nameByCollection = new Map<string, string>();
  const route = (): void => {
    nameByCollection = new Map(
      names.map((name) => [generationCollection(name, pointers.get(name)?.generation ?? 1), name]),
    );
  };
  route();
  return {
    collections: generationsPattern(names),
    // Generations that are no longer live, or not yet, are dropped and renamed without anybody noticing.
    operations: ['insert', 'replace', 'delete', 'drop', 'rename'],
    async pin() {
      const pinned = await readAgain(() => pointersAtOnce(db));
      pointers.clear();
      for (const pointer of pinned.pointers) pointers.set(pointer._id, pointer);
      route();
      return pinned.time ?? clusterNow(db);
    },
    nameOf: (collection) => nameByCollection.get(collection),
    versionOf: (row) => (row as Row).lastSequence,
    countedFor: ({ collection, key }) => {
      if (collection === POINTERS) return String(key);
      return names.find((name) => collection === name || collection.startsWith(`${name}_v`));
    },
    replacedBy({ collection, operation, document, key }) {
      if (operation === 'drop' || operation === 'rename') return nameByCollection.get(collection);
      // Only the change that is a switch names what was ahead.
      const isSwitch = collection === POINTERS && (document as Pointer | null)?.ahead !== undefined;
      return isSwitch ? String(key) : undefined;
    },
    follow({ collection: where, document }) {
      if (where !== POINTERS || document === null) return undefined;
      const { _id: name, generation, version, ahead = [] } = document as Pointer;
      const before = pointers.get(name);
      pointers.set(name, { generation, version });
      if (!names.includes(name) || generation === (before?.generation ?? 1)) return undefined;
      route();
      // Folded by other code, a row may differ though its sequence is the same.
      const isOther = before !== undefined && before.version !== version;
      return { name, collection: generationCollection(name, generation), ahead: isOther ? null : ahead };
    },
  };
}

/** Whose document was changed, and its id: of a row both are in `_id`, even when it is gone; an event carries its tenant. */
export function addressee({ key, document }: Change): readonly [tenantId: string, id: string] {
  const name = String(key);
  if (!name.includes('/')) return [String(document?.tenantId), name];
  const tenantId = tenantOf(name);
  return [tenantId, name.slice(tenantId.length + 1)];
}

/** Of a row, by its `_id`. */
export function tenantOf(rowId: string): string {
  return rowId.slice(0, rowId.indexOf('/'));
}
