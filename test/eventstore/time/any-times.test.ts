import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Aggregate, Command } from '../../../src/eventstore/aggregate.ts';
import { handle } from '../../../src/eventstore/command/handle.ts';
import { loadStream } from '../../../src/eventstore/command/load.ts';
import type { Store } from '../../../src/eventstore/command/store.ts';
import type { StoredEvent } from '../../../src/eventstore/event.ts';
import { readStream } from '../../../src/eventstore/log/read.ts';
import { fold, type Projection, type Row, rowId } from '../../../src/eventstore/projection.ts';
import { type Moment, rowAsOf } from '../../../src/eventstore/time/as-of.ts';
import { aggregates, eventDefinitions } from '../../../src/model.ts';
import { openDatabase, type TestDatabase } from '../../database.ts';
import { itHolds } from '../../fuzz.ts';
import { minute } from '../../given.ts';
import { withoutWorkflows } from '../../model-log.ts';
import { effective, naiveRowAsOf } from '../../naive-as-of.ts';
import { type CommandsOfAKind, commandsByKind, type Told } from '../../random-commands.ts';
import { openTimeStore, TENANT } from './time-log.ts';

type Kind = Aggregate<unknown, Command>;

const KINDS = await commandsByKind();
/** How far the clocks of the two gateways are apart, in ms. */
const APART_MS = 45_000;

let database: TestDatabase;
/** Two gateways, each with its own memory; the second one's clock is behind. */
let gateways: readonly Store[];
/** What the first one's clock says. */
let now = 0;

beforeAll(async () => {
  database = await openDatabase();
  const open = async (behindMs: number): Promise<Store> => {
    const store = await openTimeStore(database, { snapshotEvery: 3 });
    return { ...withoutWorkflows(store), clock: { now: () => now - behindMs, skewMs: () => 0 } };
  };
  gateways = [await open(0), await open(APART_MS)];
});
afterAll(async () => {
  for (const store of gateways) await store.snapshots.close();
  await database.close();
});

/** A command, who takes it, and when it is said to have happened: mostly just now, often late, now and then too soon. */
interface Step {
  readonly told: Told;
  readonly gateway: number;
  readonly passedMs: number;
  readonly lateMs: number;
}

function storyOf({ first, further }: CommandsOfAKind): fc.Arbitrary<Step[]> {
  const step = (told: fc.Arbitrary<Told>): fc.Arbitrary<Step> =>
    fc.record({
      told,
      gateway: fc.nat(1),
      passedMs: fc.constantFrom(0, 1, 500, 20_000, 600_000),
      lateMs: fc.oneof(
        { weight: 3, arbitrary: fc.constant(0) },
        // So that some are of one moment.
        fc.integer({ min: -1, max: 12 }).map((steps) => steps * 50_000),
        fc.integer({ min: 0, max: 20_000_000 }),
      ),
    });
  return fc
    .tuple(step(first), fc.array(step(further), { minLength: 1, maxLength: 30, size: 'max' }))
    .map(([one, others]) => [one, ...others]);
}

/** Gives the commands of a story to the gateways; what is refused is refused. */
async function tell(aggregate: Kind, id: string, story: readonly Step[]): Promise<readonly StoredEvent[]> {
  for (const { told, gateway, passedMs, lateMs } of story) {
    now += passedMs;
    const store = gateways[gateway];
    if (store === undefined) throw new Error('There are two gateways.');
    const at = new Date(store.clock.now());
    const occurredAt = new Date(at.getTime() - lateMs);
    const command = { ...told, at, occurredAt, by: { id: 'ann', role: 'admin' } } as Command;
    try {
      await handle(store, { tenantId: TENANT, aggregate, id, command, input: {}, origin: 'test' });
    } catch (error) {
      // A step of a workflow may find that there is nothing to do; given alone, that is thrown as a bug.
      if (!String(error).includes('recorded nothing and refused nothing')) throw error;
    }
  }
  await Promise.all(gateways.map(({ snapshots }) => snapshots.idle()));
  const [store] = gateways;
  if (store === undefined) throw new Error('There are two gateways.');
  return readStream(store, { tenantId: TENANT, aggregateType: aggregate.type, aggregateId: id }).toArray();
}

/** A stream without a read model is asked for its state. */
function shownOf(aggregate: Kind): Kind {
  if (aggregate.projections.length > 0) return aggregate;
  const states: Projection<Row & { readonly state: unknown }> = {
    name: `${aggregate.type}_states`,
    version: 1,
    aggregateType: aggregate.type,
    mode: 'async',
    indexes: [],
    evolve: (row, event) => ({
      state: aggregate.evolve(row === null ? aggregate.initial : row.state, event),
    }),
  };
  return { ...aggregate, projections: [states] };
}

const foldOf = (projection: Projection, events: readonly StoredEvent[]): Row | null =>
  events.reduce<Row | null>((row, event) => fold(projection, row, event), null);

/** Moments about the times of events, by place among them; so that what lies between two of them is asked, too. */
const moment = fc.option(fc.tuple(fc.nat(), fc.constantFrom(-1, 0, 1)), { nil: null, freq: 5 });
const questions = fc.array(fc.record({ asOf: moment, knownAt: moment }), { minLength: 12, maxLength: 12 });

function momentAmong(times: readonly number[], asked: [number, number] | null): Date | null {
  if (asked === null) return null;
  const [place, off] = asked;
  return new Date((times[place % times.length] ?? 0) + off);
}

it('has commands of every kind of stream', () => {
  expect(Object.keys(KINDS).sort()).toEqual(aggregates.map(({ type }) => type).sort());
});

describe.each(aggregates.map((aggregate) => [aggregate.type, shownOf(aggregate)] as const))(
  'T-01 %s, whatever times are told by whichever clock',
  (type, aggregate) => {
    const commands = KINDS[type];
    if (commands === undefined) return;
    let count = 0;
    const newStream = (): string => {
      count += 1;
      now = minute(0).getTime();
      return `${count.toString(16).padStart(8, '0')}-0000-4000-8000-${Buffer.from(type).toString('hex').padEnd(12, '0').slice(0, 12)}`;
    };

    itHolds('is shown as of any moment as the rule has it', { numRuns: 12 }, () =>
      fc.asyncProperty(storyOf(commands), questions, async (story, asked) => {
        const id = newStream();
        const events = await tell(aggregate, id, story);
        const stream = { tenantId: TENANT, aggregateType: type, aggregateId: id };
        const times = [
          ...effective(events),
          ...events.map((event) => ({ at: event.recordedAt.getTime() })),
        ].map(({ at }) => at);
        const [store] = gateways;
        if (store === undefined) throw new Error('There are two gateways.');
        const { folded } = await loadStream(store, stream, aggregate, 'fresh');
        for (const projection of aggregate.projections) {
          const ask = (at: Moment): Promise<Row | null> => rowAsOf(store, stream, aggregate, projection, at);
          const present = foldOf(projection, events);
          expect(folded.rows[projection.name] ?? null).toEqual(present);
          if (projection.mode === 'inline') {
            const stored = await database.db
              .collection<Row>(projection.name)
              .findOne({ _id: rowId(TENANT, id) });
            expect(stored).toEqual(present);
          }
          const end = Math.max(...times);
          expect(await ask({ asOf: new Date(end) })).toEqual(present);
          expect(await ask({ asOf: new Date(end + 86_400_000), knownAt: new Date(end) })).toEqual(present);
          for (const one of asked) {
            const at = { asOf: momentAmong(times, one.asOf), knownAt: momentAmong(times, one.knownAt) };
            expect(await ask(at)).toEqual(naiveRowAsOf(events, projection, at));
            if (at.knownAt === null) continue;
            const known = events.filter(({ recordedAt }) => recordedAt <= (at.knownAt ?? recordedAt));
            expect(await ask({ knownAt: at.knownAt })).toEqual(foldOf(projection, known));
          }
        }
      }),
    );

    itHolds('comes to the same in whichever order it was seen', { numRuns: 12 }, () =>
      fc.asyncProperty(
        storyOf(commands),
        fc.array(fc.nat(), { minLength: 31, maxLength: 31 }),
        async (story, dice) => {
          const events = await tell(aggregate, newStream(), story);
          for (const projection of aggregate.projections)
            expect(bodyOf(foldOf(projection, shuffled(events, dice)))).toEqual(
              bodyOf(foldOf(projection, events)),
            );
        },
      ),
    );
  },
);

const SEEN = new Set(
  eventDefinitions.filter(({ effect }) => effect === 'observation').map((each) => each.type),
);

/** The same events with the observations at other places behind the first event. */
function shuffled(events: readonly StoredEvent[], dice: readonly number[]): StoredEvent[] {
  const order: StoredEvent[] = events.filter(({ sequence, type }) => sequence === 1 || !SEEN.has(type));
  for (const event of events)
    if (!order.includes(event)) order.splice(1 + ((dice[event.sequence - 1] ?? 0) % order.length), 0, event);
  return order.map((event, index) => ({ ...event, sequence: index + 1 }));
}

/** What a row shows, without where its stream ended. */
function bodyOf(row: Row | null): object | null {
  if (row === null) return null;
  const { lastEvent: _event, lastSequence: _sequence, updatedAt: _updated, ...body } = row;
  return body;
}
