import fc from 'fast-check';
import { Timestamp } from 'mongodb';
import { describe, expect, it } from 'vitest';
import { Delivery, placeBehind } from '../../../src/eventstore/feed/cursor.ts';
import { FEED_LIMITS } from '../../../src/eventstore/feed/limits.ts';
import { openOrderedLane, SharedHeldRows } from '../../../src/eventstore/feed/subscriber/ordered-lane.ts';
import { type Mover, mover } from './interest-world.ts';

const FLEETS = ['north', 'south'] as const;
const IDS = ['a', 'b', 'c'];
const SUBSCRIBERS = 4;

type Step =
  | { readonly kind: 'write'; readonly id: string; readonly fleet: string; readonly repair: boolean }
  | { readonly kind: 'remove'; readonly id: string }
  | { readonly kind: 'begin' | 'caughtUp' | 'reset'; readonly who: number };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('write' as const),
        id: fc.constantFrom(...IDS),
        fleet: fc.constantFrom(...FLEETS),
        repair: fc.boolean(),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('remove' as const), id: fc.constantFrom(...IDS) }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constantFrom('begin' as const, 'caughtUp' as const, 'caughtUp' as const, 'reset' as const),
        who: fc.nat(SUBSCRIBERS - 1),
      }),
    },
  ),
  { maxLength: 60 },
);

const matches = ({ fleets }: Mover): boolean => fleets.includes('north');
const at = (fleet: string) => ({ x: 0, y: 0, fleets: [fleet] });
const laneOf = (held: SharedHeldRows) =>
  openOrderedLane<Mover>(
    matches,
    FEED_LIMITS,
    held.share(() => 'north'),
  );

/** A subscriber twice: the one of its lanes shares what it knows with others as soon as it may, the other never does. */
class Twin {
  readonly shared;
  readonly alone = laneOf(new SharedHeldRows());
  state: 'away' | 'live' | 'caughtUp' = 'away';

  constructor(held: SharedHeldRows) {
    this.shared = laneOf(held);
  }

  get lanes() {
    return [this.shared, this.alone];
  }

  begin(rows: readonly Mover[]): void {
    if (this.state !== 'away') return;
    this.state = 'live';
    for (const lane of this.lanes) {
      lane.hold(rows.filter(matches));
      lane.cutover(placeBehind(Timestamp.fromNumber(0)), '');
    }
  }

  caughtUp(): void {
    if (this.state !== 'live') return;
    this.state = 'caughtUp';
    this.shared.caughtUp?.();
  }

  reset(): void {
    this.state = 'away';
    for (const lane of this.lanes) lane.reset();
  }

  accept(delivery: Delivery<Mover>): void {
    if (this.state === 'away') return;
    for (const lane of this.lanes) expect(lane.accept(delivery)).toBeUndefined();
    expect(this.shared.take(0)).toEqual(this.alone.take(0));
  }
}

describe('subscribers who have the same on their screens', () => {
  it('are told what each would have been told alone, whenever they came', () => {
    fc.assert(
      fc.property(steps, (story) => {
        const held = new SharedHeldRows();
        const rows = new Map<string, Mover>();
        const twins = Array.from({ length: SUBSCRIBERS }, () => new Twin(held));
        for (const [index, step] of story.entries()) {
          const tell = (id: string): void => {
            const place = { time: Timestamp.fromNumber(index + 1), ordinal: 1 };
            const delivery = new Delivery('movers/acme', id, rows.get(id) ?? null, place, 1);
            for (const twin of twins) twin.accept(delivery);
          };
          if (step.kind === 'remove') {
            if (rows.delete(step.id)) tell(step.id);
          } else if (step.kind === 'write') {
            const before = rows.get(step.id);
            const isRepair = step.repair && before !== undefined;
            const sequence = (before?.lastSequence ?? 0) + (isRepair ? 0 : 1);
            rows.set(step.id, mover(step.id, sequence, at(step.fleet)));
            tell(step.id);
          } else if (step.kind === 'begin') twins[step.who]?.begin([...rows.values()]);
          else twins[step.who]?.[step.kind]();
        }
        for (const twin of twins) twin.reset();
        expect(held.size).toBe(0);
      }),
      { numRuns: 1_000 },
    );
  });

  it('are judged once: the filter is asked once for each change', () => {
    const held = new SharedHeldRows();
    let asked = 0;
    const lanes = Array.from({ length: 10 }, () =>
      openOrderedLane<Mover>(
        (row) => {
          asked += 1;
          return matches(row);
        },
        FEED_LIMITS,
        held.share(() => 'north'),
      ),
    );
    for (const lane of lanes) lane.caughtUp?.();
    const row = mover('a', 1, at('north'));
    const place = { time: Timestamp.fromNumber(1), ordinal: 1 };
    const delivery = new Delivery('movers/acme', 'a', row, place, 1);
    for (const lane of lanes) lane.accept(delivery);
    expect(asked).toBe(1);
    const told = lanes.map((lane) => lane.take(0));
    expect(new Set(told).size).toBe(1);
    expect(told[0]).toMatchObject({ kind: 'updated', row });
  });

  it('do not share what fails: each who brings it fails', () => {
    const held = new SharedHeldRows();
    const failing = (): boolean => {
      throw new Error('no such field');
    };
    const lanes = [1, 2].map(() =>
      openOrderedLane<Mover>(
        failing,
        FEED_LIMITS,
        held.share(() => 'x'),
      ),
    );
    for (const lane of lanes) lane.caughtUp?.();
    const row = mover('a', 1, at('north'));
    const delivery = new Delivery('movers/acme', 'a', row, { time: Timestamp.fromNumber(1), ordinal: 1 }, 1);
    for (const lane of lanes) expect(() => lane.accept(delivery)).toThrow('no such field');
  });
});
