import { setImmediate } from 'node:timers/promises';
import type { Db, Timestamp } from 'mongodb';
import type { Logger } from 'pino';
import { insist } from './backoff.ts';
import { type Change, type Changes, openChanges } from './changes.ts';
import { Delivery } from './delivery.ts';
import type { GapReason } from './feed-item.ts';
import type { Flip, Routes } from './feed-routes.ts';
import { rowsAt } from './snapshot.ts';

/** Who gets deliveries. */
export interface Receiver {
  accept(delivery: Delivery<object>): void;
  lost(reason: GapReason): void;
}

export interface SourceOptions {
  readonly db: Db;
  readonly log: Logger;
  readonly routes: Routes;
  readonly onReopen: (reason: string) => void;
}

/** One change stream, handed out to whom it concerns. */
export interface Source {
  /**
   * Registers once the stream is open; what is committed from then on is delivered.
   * @returns how to leave
   */
  join(name: string, tenantId: string, receiver: Receiver): Promise<() => void>;
  /** How far the stream has come. */
  place(): Timestamp;
  close(): void;
}

/** Deliveries, and changes, between two pauses: those who keep up must get their turn before their queues fill. */
const BURST = 256;
const BURST_CHANGES = 32;

/**
 * Opens a change stream over collections; its receivers are kept by read model and tenant, so that nobody pays for
 * another's. Rows are written whole: an update of some fields, by hand, is not told.
 */
export async function openSource(options: SourceOptions): Promise<Source> {
  const { db, log, routes } = options;
  const receivers = new Map<string, Set<Receiver>>();
  let pinned = await routes.pin();
  let place = pinned;
  let closed = false;
  const begin = (): Changes => {
    return openChanges(db, {
      collections: routes.collections,
      operations: routes.operations,
      from: { at: place },
      log,
      onReopen: () => options.onReopen('error'),
    });
  };
  let changes = begin();

  /** @returns true where what is live was dropped or renamed: nothing more can be told of it */
  const deliver = async (batch: readonly Change[]): Promise<boolean> => {
    let burst = 0;
    for (const change of batch) {
      // A stream tells of the moment at which it begins once more: what was dropped then is known to be gone.
      if (change.clusterTime.lessThanOrEqual(pinned)) continue;
      place = change.clusterTime;
      const flip = routes.turn(change);
      if (flip !== undefined) await turn(flip, change.clusterTime);
      const name = routes.nameOf(change.collection);
      if (name === undefined) continue;
      if (change.operation === 'drop' || change.operation === 'rename') return true;
      const [tenantId, id] = addressee(change);
      const audience = receivers.get(`${name}/${tenantId}`);
      if (audience === undefined) continue;
      const delivery = new Delivery(id, change.document, change.clusterTime);
      for (const receiver of audience) receiver.accept(delivery);
      burst += Math.max(audience.size, BURST / BURST_CHANGES);
      if (burst < BURST) continue;
      burst = 0;
      await setImmediate();
    }
    return false;
  };

  /** The rows live elsewhere from here on. What is further there is told as a change of this moment. */
  const turn = async ({ name, collection, ahead }: Flip, at: Timestamp): Promise<void> => {
    const ids = ahead?.filter((id) => receivers.has(`${name}/${tenantOf(id)}`));
    if (ids?.length === 0) return;
    try {
      if (ids === undefined) throw new Error('The read model was replaced by one that tells other things.');
      const rows = new Map((await rowsAt(db, collection, ids, at)).map((row) => [row._id, row]));
      for (const id of ids) {
        const delivery = new Delivery(id.slice(tenantOf(id).length + 1), rows.get(id) ?? null, at);
        for (const receiver of receivers.get(`${name}/${tenantOf(id)}`) ?? []) receiver.accept(delivery);
      }
    } catch (error) {
      log.info({ projection: name, collection, reason: String(error) }, 'subscribers get a gap at a switch');
      for (const [key, audience] of receivers)
        if (key.startsWith(`${name}/`)) for (const receiver of audience) receiver.lost('HISTORY_LOST');
    }
  };

  const follow = async (): Promise<void> => {
    for (let signal = await changes.next(); signal !== null; signal = await changes.next()) {
      if (signal.kind !== 'changes') await startOver(signal.reason, signal.error);
      else if (await deliver(signal.changes)) await startOver('replaced', undefined);
    }
  };

  /** The stream is lost: another begins now, and everyone is told once that one is open. */
  const startOver = async (reason: string, error: unknown): Promise<void> => {
    log.warn(
      { err: error, reason, collections: String(routes.collections) },
      'change history lost; subscribers get a gap',
    );
    options.onReopen(reason);
    changes.stop();
    const now = await insist(
      () => routes.pin(),
      () => closed,
      (failure) => log.warn({ err: failure }, 'the cluster does not tell its time'),
    );
    if (now === undefined) return;
    pinned = now;
    place = now;
    changes = begin();
    if (closed) changes.stop();
    const opening = changes;
    void opening.opened.then(() => {
      for (const audience of receivers.values())
        for (const receiver of audience) receiver.lost('HISTORY_LOST');
    });
  };

  void follow();
  return {
    async join(name, tenantId, receiver) {
      for (let known: Changes | undefined; known !== changes; ) {
        known = changes;
        await known.opened;
      }
      const key = `${name}/${tenantId}`;
      const audience = receivers.get(key) ?? new Set();
      receivers.set(key, audience.add(receiver));
      return () => {
        audience.delete(receiver);
        if (audience.size === 0 && receivers.get(key) === audience) receivers.delete(key);
      };
    },
    place: () => place,
    close() {
      closed = true;
      changes.stop();
    },
  };
}

/** Whose change it is, and of what: rows say it in their `_id` even when they are gone, events in themselves. */
function addressee({ key, document }: Change): readonly [tenantId: string, id: string] {
  const name = String(key);
  if (!name.includes('/')) return [String(document?.tenantId), name];
  const tenantId = tenantOf(name);
  return [tenantId, name.slice(tenantId.length + 1)];
}

/** Of a row, by its `_id`. */
function tenantOf(rowId: string): string {
  return rowId.slice(0, rowId.indexOf('/'));
}
