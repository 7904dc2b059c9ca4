import type { Timestamp } from 'mongodb';
import { isBehind, type PastChange, type Place, placeBehind, scopeOf } from '../cursor.ts';
import type { GapCause } from '../gap.ts';
import type { HistorySource } from '../observer.ts';
import { Fifo } from '../queue.ts';

/** What a process may keep of its deliveries, for clients who come back. */
export interface RingLimits {
  readonly historyBytes: number;
  readonly historyItems: number;
}

/** The changes of one read model and tenant, or of a tenant's log, around a place. */
export interface Past {
  readonly source: HistorySource;
  /** Nothing that was committed later than this is left out. */
  readonly from: Timestamp;
  /** Up to the place. */
  readonly told: readonly PastChange[];
  /** Behind it, up to the present. */
  readonly missed: readonly PastChange[];
}

/** Changes from before what a ring has: all that were committed behind `changes.from` and no later than `until`. */
export interface OlderChanges {
  readonly changes: Ring;
  readonly until: Timestamp;
}

/** The latest changes of a stream without a hole, in order and by scope; the oldest go when there are too many. */
export class Ring {
  readonly #limits: RingLimits;
  #all = new Fifo<PastChange>();
  readonly #scopes = new Map<string, Fifo<PastChange>>();
  /** By read model: the last place at which its rows were replaced. */
  readonly #replacedAt = new Map<string, Place>();
  #from: Timestamp;
  #bytes = 0;

  /** @param from the moment behind which nothing is left out */
  constructor(limits: RingLimits, from: Timestamp) {
    this.#limits = limits;
    this.#from = from;
  }

  /** Every change that was committed later is in here. */
  get from(): Timestamp {
    return this.#from;
  }

  get bytes(): number {
    return this.#bytes;
  }

  push(change: PastChange): void {
    // The rest of a moment whose first changes had to go already.
    if (!change.place.time.greaterThan(this.#from)) return;
    const scope = this.#scopes.get(change.scope) ?? new Fifo();
    this.#scopes.set(change.scope, scope);
    scope.push(change);
    this.#all.push(change);
    this.#bytes += change.bytes;
    const { historyBytes, historyItems } = this.#limits;
    while (this.#bytes > historyBytes || this.#all.length > historyItems) this.#drop();
  }

  /** The rows of a read model were replaced: what comes behind `place` does not continue what came before it. */
  noteReplaced(name: string, place: Place): void {
    this.#replacedAt.set(name, place);
  }

  /**
   * What came around and behind a place.
   * @param older helps where this ring alone does not reach back that far
   * @returns undefined where the two do not reach it, or do not meet; a cause where nothing continues what came before
   */
  since(name: string, tenantId: string, place: Place, older?: OlderChanges): Past | GapCause | undefined {
    if (!isBehind(placeBehind(this.#from), place)) return this.#past(name, tenantId, place);
    if (older === undefined || !place.time.greaterThan(older.changes.from)) return undefined;
    if (this.#from.greaterThan(older.until)) return undefined;
    return this.#past(name, tenantId, place, older.changes);
  }

  /** The last place at which the rows of a read model were replaced. */
  replacedAt(name: string): Place | undefined {
    return this.#replacedAt.get(name);
  }

  of(scope: string): readonly PastChange[] {
    return this.#scopes.get(scope)?.all() ?? [];
  }

  #past(name: string, tenantId: string, place: Place, older?: Ring): Past | GapCause {
    const replaced = this.#replacedAt.get(name) ?? older?.replacedAt(name);
    if (replaced !== undefined && isBehind(replaced, place)) return 'rowsReplaced';
    const scope = scopeOf(name, tenantId);
    const before = older?.of(scope).filter((change) => !change.place.time.greaterThan(this.#from));
    const [told, missed] = splitAt([...(before ?? []), ...this.of(scope)], place);
    const from = older?.from ?? this.#from;
    return {
      source: older === undefined ? 'ring' : 'oplog',
      from: replaced?.time.greaterThan(from) ? replaced.time : from,
      told: replaced === undefined ? told : splitAt(told, replaced)[1],
      missed,
    };
  }

  /** Forgets everything: changes were missed. */
  reset(from: Timestamp): void {
    this.#all = new Fifo();
    this.#scopes.clear();
    this.#replacedAt.clear();
    this.#bytes = 0;
    this.#from = from;
  }

  /** Lets go of the oldest moment, with all that was committed in it. */
  #drop(): void {
    const oldest = this.#all.first;
    if (oldest === undefined) return;
    this.#from = oldest.place.time;
    for (let next = this.#all.first; next?.place.time.equals(this.#from); next = this.#all.first) {
      this.#bytes -= next.bytes;
      this.#all.shift();
      const scope = this.#scopes.get(next.scope);
      scope?.shift();
      if (scope?.length === 0) this.#scopes.delete(next.scope);
    }
  }
}

/** Splits changes that are in order at a place: those up to it, and those behind it. */
function splitAt(
  changes: readonly PastChange[],
  place: Place,
): [readonly PastChange[], readonly PastChange[]] {
  let [low, high] = [0, changes.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const change = changes[middle];
    if (change !== undefined && isBehind(change.place, place)) high = middle;
    else low = middle + 1;
  }
  return [changes.slice(0, low), changes.slice(low)];
}
