import { setImmediate } from 'node:timers/promises';
import type { Db, Timestamp } from 'mongodb';
import type { Logger } from 'pino';
import { insist } from './backoff.ts';
import { type Change, type Changes, clusterNow, openChanges } from './changes.ts';
import { Delivery } from './delivery.ts';
import type { GapReason } from './feed-item.ts';

/** Who gets deliveries. */
export interface Receiver {
  accept(delivery: Delivery<object>): void;
  lost(reason: GapReason): void;
}

export interface SourceOptions {
  readonly db: Db;
  readonly log: Logger;
  readonly collections: readonly string[];
  readonly operations: readonly Change['operation'][];
  readonly onReopen: (reason: string) => void;
}

/** One change stream, handed out to whom it concerns. */
export interface Source {
  /**
   * Registers once the stream is open; what is committed from then on is delivered.
   * @returns how to leave
   */
  join(collection: string, tenantId: string, receiver: Receiver): Promise<() => void>;
  /** How far the stream has come. */
  place(): Timestamp;
  close(): void;
}

/** Deliveries, and changes, between two pauses: those who keep up must get their turn before their queues fill. */
const BURST = 256;
const BURST_CHANGES = 32;

/**
 * Opens a change stream over collections; its receivers are kept by collection and tenant, so that nobody pays for
 * another's. Rows are written whole: an update of some fields, by hand, is not told.
 */
export async function openSource(options: SourceOptions): Promise<Source> {
  const { db, log } = options;
  const receivers = new Map<string, Set<Receiver>>();
  let place = await clusterNow(db);
  let closed = false;
  const begin = (): Changes => {
    const { collections, operations, onReopen } = options;
    return openChanges(db, {
      collections,
      operations,
      from: { at: place },
      log,
      onReopen: () => onReopen('error'),
    });
  };
  let changes = begin();

  const deliver = async (batch: readonly Change[]): Promise<void> => {
    let burst = 0;
    for (const change of batch) {
      place = change.clusterTime;
      const [tenantId, id] = addressee(change);
      const audience = receivers.get(`${change.collection}/${tenantId}`);
      if (audience === undefined) continue;
      const delivery = new Delivery(id, change.document, change.clusterTime);
      for (const receiver of audience) receiver.accept(delivery);
      burst += Math.max(audience.size, BURST / BURST_CHANGES);
      if (burst < BURST) continue;
      burst = 0;
      await setImmediate();
    }
  };

  const follow = async (): Promise<void> => {
    for (let signal = await changes.next(); signal !== null; signal = await changes.next()) {
      if (signal.kind === 'changes') await deliver(signal.changes);
      else await startOver(signal.reason, signal.error);
    }
  };

  /** The stream is lost: another begins now, and everyone is told once that one is open. */
  const startOver = async (reason: string, error: unknown): Promise<void> => {
    log.warn(
      { err: error, reason, collections: options.collections },
      'change history lost; subscribers get a gap',
    );
    options.onReopen(reason);
    changes.stop();
    const now = await insist(
      () => clusterNow(db),
      () => closed,
      (failure) => log.warn({ err: failure }, 'the cluster does not tell its time'),
    );
    if (now === undefined) return;
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
    async join(collection, tenantId, receiver) {
      for (let known: Changes | undefined; known !== changes; ) {
        known = changes;
        await known.opened;
      }
      const key = `${collection}/${tenantId}`;
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
  const slash = name.indexOf('/');
  return slash < 0 ? [String(document?.tenantId), name] : [name.slice(0, slash), name.slice(slash + 1)];
}
