import fc from 'fast-check';
import { Timestamp } from 'mongodb';
import { describe, expect, it } from 'vitest';
import { Delivery, placeBehind } from '../../../src/eventstore/feed/cursor.ts';
import { FEED_LIMITS } from '../../../src/eventstore/feed/limits.ts';
import { type IndexedChange, InterestIndex } from '../../../src/eventstore/feed/source/interest-index.ts';
import type { SnapshotLane } from '../../../src/eventstore/feed/subscriber/lane.ts';
import { openLatestLane } from '../../../src/eventstore/feed/subscriber/latest-lane.ts';
import { openOrderedLane, SharedHeldRows } from '../../../src/eventstore/feed/subscriber/ordered-lane.ts';
import {
  anyHappenings,
  byFleet,
  byPoint,
  type Happening,
  type Mover,
  mover,
  type Wish,
} from './interest-world.ts';

/** Nobody here has anything in common. */
const ALONE = new SharedHeldRows().share<Mover>(() => '');

type AnyLane = SnapshotLane<Mover, object>;

/** A subscriber twice: the one of each pair of lanes is told everything, the other what the index finds. */
interface Twin {
  readonly wish: Wish;
  readonly lanes: readonly (readonly [told: AnyLane, found: AnyLane])[];
  /** How many changes the snapshot has; undefined: it has not been read yet. */
  snapshotAt?: number;
  isLive: boolean;
  leave: () => void;
}

/** The read model, the stream of its changes, and subscribers, with the index between. */
class World {
  readonly rows = new Map<string, Mover>();
  readonly stream: IndexedChange<Mover>[] = [];
  readonly index: InterestIndex<Mover, Twin>;
  twins: Twin[] = [];
  told = 0;
  now = 0;

  constructor(remembered: number) {
    this.index = new InterestIndex({ versionOf: (row) => row.lastSequence, remembered });
  }

  happen(happening: Happening): void {
    switch (happening.kind) {
      case 'write':
        this.write(mover(happening.id, this.versionOf(happening.id) + 1 + happening.skips, happening.to));
        break;
      case 'repair':
        if (this.rows.has(happening.id))
          this.write(mover(happening.id, this.versionOf(happening.id), happening.to));
        break;
      case 'remove':
        if (this.rows.delete(happening.id))
          this.stream.push({ id: happening.id, document: null, isNew: false });
        break;
      case 'tell':
        for (let n = 0; n < happening.changes; n++) this.tell();
        break;
      case 'join':
        this.join(happening.wish);
        break;
      case 'forget':
        this.index.forget();
        break;
      default:
        this.with(happening.who, (twin) => this[happening.kind](twin));
    }
  }

  versionOf(id: string): number {
    return this.rows.get(id)?.lastSequence ?? 0;
  }

  write(row: Mover): void {
    this.stream.push({ id: row.id, document: row, isNew: !this.rows.has(row.id) });
    this.rows.set(row.id, row);
  }

  with(who: number, act: (twin: Twin) => void): void {
    const twin = this.twins[who % Math.max(1, this.twins.length)];
    if (twin !== undefined) act(twin);
  }

  join(wish: Wish): void {
    const pair = (open: () => AnyLane) => [open(), open()] as const;
    const lanes = [
      pair(() => openOrderedLane<Mover>(wish.matches, FEED_LIMITS, ALONE) as AnyLane),
      pair(() => openLatestLane<Mover>(wish.matches, undefined, FEED_LIMITS) as AnyLane),
    ];
    const twin: Twin = { wish, lanes, isLive: false, leave: () => undefined };
    const entry = this.index.join(twin, wish.interest);
    twin.leave = () => this.index.leave(entry);
    this.twins.push(twin);
  }

  snapshot(twin: Twin): void {
    if (twin.snapshotAt !== undefined) return;
    twin.snapshotAt = this.stream.length;
    const rows = [...this.rows.values()].filter((row) => twin.wish.matches(row));
    for (const lane of twin.lanes.flat()) lane.hold(rows);
    this.cutOver(twin);
  }

  /** Once the stream has come to where the snapshot was read. */
  cutOver(twin: Twin): void {
    if (twin.isLive || twin.snapshotAt === undefined || this.told < twin.snapshotAt) return;
    twin.isLive = true;
    for (const lane of twin.lanes.flat()) lane.cutover(placeBehind(momentOf(twin.snapshotAt)), '');
  }

  leave(twin: Twin): void {
    twin.leave();
    this.twins = this.twins.filter((other) => other !== twin);
  }

  /** The stream tells its next change: to one of each pair in any case, to the other where the index says so. */
  tell(): void {
    const change = this.stream[this.told];
    if (change === undefined) return;
    this.told += 1;
    const found = this.index.concerned(change);
    expect(new Set(found).size).toBe(found.length);
    const place = { time: momentOf(this.told), ordinal: 1 };
    const delivery = new Delivery('movers/acme', change.id, change.document, place, 1);
    for (const twin of this.twins) {
      for (const [all, some] of twin.lanes) {
        for (const lane of found.includes(twin) ? [all, some] : [all])
          if (twin.isLive) lane.accept(delivery);
          else lane.buffer(delivery);
      }
      this.cutOver(twin);
    }
  }

  read(twin: Twin): void {
    if (!twin.isLive) return;
    this.now += 1;
    for (const [all, some] of twin.lanes) expect(taken(some, this.now)).toEqual(taken(all, this.now));
  }
}

function momentOf(changes: number): Timestamp {
  return Timestamp.fromBits(changes, 1);
}

/** All that a lane has for its client; frames that began at another change than they were told of are the same frames. */
function taken(lane: AnyLane, now: number): object[] {
  const items: object[] = [];
  for (let item = lane.take(now); item !== undefined; item = lane.take(now))
    items.push({ ...item, cursor: undefined });
  return items;
}

describe('the index of subscribers', () => {
  it.each([1_000, 2])(
    'finds all whom a change concerns, whatever they have (%i rows remembered)',
    (remembered) => {
      fc.assert(
        fc.property(anyHappenings, (happenings) => {
          const world = new World(remembered);
          for (const happening of happenings) world.happen(happening);
          for (const twin of world.twins) world.snapshot(twin);
          while (world.told < world.stream.length) world.tell();
          for (const twin of world.twins) world.read(twin);
          expect(world.index.remembered).toBeLessThanOrEqual(remembered);
        }),
        { numRuns: 1_000 },
      );
    },
  );

  it('is empty again when all have left', () => {
    const index = new InterestIndex<Mover, string>({ versionOf: (row) => row.lastSequence, remembered: 10 });
    const box = { minX: 0, minY: 0, maxX: 2, maxY: 2 };
    const leaving = [
      index.join('one', { facet: byPoint, boxes: [box] }),
      index.join('two', { facet: byFleet, values: ['north'] }),
      index.join('three'),
    ];
    index.concerned({ id: 'a', document: mover('a', 1, { x: 1, y: 1, fleets: [] }), isNew: true });
    expect([index.size, index.remembered]).toEqual([3, 1]);
    for (const entry of [...leaving, ...leaving]) index.leave(entry);
    expect([index.size, index.remembered]).toEqual([0, 0]);
  });
});

describe('a change of a row that moves', () => {
  const open = () =>
    new InterestIndex<Mover, string>({ versionOf: (row) => row.lastSequence, remembered: 1_000 });
  const at = (x: number, lastSequence: number) => ({
    id: 'a',
    document: mover('a', lastSequence, { x, y: 0.5, fleets: ['north'] }),
    isNew: lastSequence === 1,
  });
  const look = (index: InterestIndex<Mover, string>, west: number) => {
    const box = { minX: west, minY: 0, maxX: west + 0.9, maxY: 1 };
    return index.join(`at ${west}`, { facet: byPoint, boxes: [box] });
  };

  it('is shown to those who look at where it was and at where it is, and to no other', () => {
    const index = open();
    for (let west = 0; west < 100; west++) look(index, west);
    expect(index.concerned(at(5.5, 1))).toEqual(['at 5']);
    expect(index.concerned(at(5.6, 2))).toEqual(['at 5']);
    expect(index.concerned(at(7.5, 3)).toSorted()).toEqual(['at 5', 'at 7']);
  });

  it('is shown to everyone once where nobody knows who has it: unseen so far, put right, or gone', () => {
    const index = open();
    for (let west = 0; west < 10; west++) look(index, west);
    expect(index.concerned(at(5.5, 7))).toHaveLength(10);
    expect(index.concerned(at(5.5, 8))).toHaveLength(1);
    expect(index.concerned(at(5.5, 8))).toHaveLength(10);
    expect(index.concerned({ id: 'a', document: null, isNew: false })).toHaveLength(10);
    expect(index.concerned(at(5.5, 1))).toHaveLength(1);
    index.forget();
    expect(index.concerned(at(5.5, 9))).toHaveLength(10);
    index.join('a fleet', { facet: byFleet, values: ['south'] });
    expect(index.concerned(at(5.5, 10)).toSorted()).toEqual(['a fleet', 'at 5']);
    expect(index.concerned(at(5.5, 11))).toEqual(['at 5']);
  });

  it('that cannot be read is shown to everyone, so that filters which fail on it fail by themselves', () => {
    const index = open();
    look(index, 1);
    const broken = { ...mover('a', 1, { x: 9, y: 0, fleets: [] }) };
    Reflect.defineProperty(broken, 'x', {
      get: () => {
        throw new Error('broken');
      },
    });
    expect(index.concerned({ id: 'a', document: broken, isNew: true })).toEqual(['at 1']);
    expect(index.concerned(at(9, 2))).toEqual(['at 1']);
    expect(index.concerned(at(9, 3))).toEqual([]);
  });
});
