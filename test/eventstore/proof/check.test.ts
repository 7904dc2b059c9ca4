import { Binary, Timestamp, UUID } from 'mongodb';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newId } from '../../../src/eventstore/ids.ts';
import { sealNext } from '../../../src/eventstore/proof/seal.ts';
import { segmentsOf } from '../../../src/eventstore/proof/segment.ts';
import { startGateway, type TestGateway } from '../../gateway.ts';
import { goOn, openWorld, TENANTS, type World } from '../verify/world.ts';
import { checked, newSigner, seal, settled } from './stage.ts';

const signer = newSigner();

let gateway: TestGateway;
let world: World;
beforeEach(async () => {
  gateway = await startGateway();
  world = await openWorld(gateway.store, 6);
  await seal(gateway.store, signer, TENANTS, 10);
});
afterEach(() => gateway.close());

const events = () => gateway.store.events;
/** Events in the middle of the log, of a tenant. */
const some = async (count: number, tenantId = 'acme') =>
  events().find({ tenantId }).sort({ loggedAt: 1 }).skip(8).limit(count).toArray();
const found = async () => (await checked(gateway.store, signer)).findings;

describe('a log that is as it was sealed', () => {
  it('has nothing to be named, also with what came since', async () => {
    const { findings, report } = await checked(gateway.store, signer);
    expect(findings).toEqual([]);
    // 24 streams of 3 events, of two tenants, 10 a segment.
    expect(report).toMatchObject({ segments: 8, events: 72, unsealed: 0, restores: [], complete: true });
    await goOn(gateway.store, world, 5);
    const later = await checked(gateway.store, signer);
    expect(later).toMatchObject({ findings: [], report: { events: 72, unsealed: 24 } });
    await seal(gateway.store, signer, TENANTS);
    expect(await checked(gateway.store, signer)).toMatchObject({
      findings: [],
      report: { segments: 10, events: 96, unsealed: 0 },
    });
  });

  it('is sealed once by two processes at once', async () => {
    await goOn(gateway.store, world, 5);
    await Promise.all([1, 2, 3].map(() => sealNext(settled(gateway.store), signer, 'acme')));
    expect(await checked(gateway.store, signer, { tenantId: 'acme' })).toMatchObject({
      findings: [],
      report: { segments: 5, events: 48, unsealed: 0 },
    });
  });
});

describe('a log that was changed by the driver', () => {
  it('names an event that was changed, whichever field it was', async () => {
    const [first, second, third] = await some(3);
    if (!first || !second || !third) throw new Error('There are too few events.');
    await events().updateOne({ _id: first._id }, { $set: { 'actor.id': 'nobody' } });
    await events().updateOne({ _id: second._id }, { $set: { loggedAt: new Timestamp({ t: 1, i: 1 }) } });
    await events().updateOne({ _id: third._id }, { $set: { note: 'a field more' } });
    const named = await found();
    expect(named.map(({ kind }) => kind)).toEqual(['changed', 'changed', 'changed']);
    expect(named).toMatchObject(
      [first, second, third].map(({ _id, type, sequence }) => ({
        tenantId: 'acme',
        eventId: _id.toString(),
        what: expect.stringContaining(`, event ${sequence}, ${type}`),
      })),
    );
  });

  it('names an event that was removed', async () => {
    const [first] = await some(1);
    await events().deleteOne({ _id: first?._id ?? new UUID() });
    expect(await found()).toMatchObject([
      { kind: 'removed', tenantId: 'acme', segment: 1, eventId: first?._id.toString() },
    ]);
  });

  it('names an event that was slipped in among the others, and one that was given to another tenant', async () => {
    const [model, moved] = await some(2);
    if (!model || !moved) throw new Error('There are too few events.');
    const slipped = { ...model, _id: new UUID(newId()), aggregateId: new UUID(newId()) };
    await events().insertOne(slipped);
    await events().updateOne({ _id: moved._id }, { $set: { tenantId: 'acme-2' } });
    const named = await found();
    expect(named).toMatchObject([
      { kind: 'changed', tenantId: 'acme', eventId: moved._id.toString() },
      { kind: 'inserted', tenantId: 'acme', eventId: slipped._id.toString(), before: 1 },
      { kind: 'inserted', tenantId: 'acme-2', eventId: moved._id.toString() },
    ]);
    // It is named for ever: what comes later seals what comes later.
    await goOn(gateway.store, world, 5);
    await seal(gateway.store, signer, TENANTS);
    expect(await found()).toEqual(named);
  });

  it('names an event without a stamp that was slipped in before all others', async () => {
    const [model] = await some(1);
    if (!model) throw new Error('There are too few events.');
    const { loggedAt: _, ...rest } = model;
    const slipped = { ...rest, _id: new UUID(newId()), aggregateId: new UUID(newId()) };
    await events().insertOne(slipped);
    await seal(gateway.store, signer, TENANTS);
    // It was never said to be sealed before: its own segment says since when it is there.
    const { findings, report } = await checked(gateway.store, signer);
    expect({ findings, events: report.events }).toEqual({ findings: [], events: 73 });
  });

  it('names two events whose contents were exchanged, and two that stand in each other’s place', async () => {
    const [a, b] = await some(2);
    const [c, d] = await some(2, 'acme-2');
    if (!a || !b || !c || !d) throw new Error('There are too few events.');
    const exchange = async (one: typeof a, other: typeof a, names: readonly (keyof typeof a)[]) => {
      const partOf = (event: typeof a) => Object.fromEntries(names.map((name) => [name, event[name]]));
      // Away first: no two may have one place in a stream.
      await events().updateOne({ _id: one._id }, { $set: { sequence: 1_000 } });
      await events().updateOne({ _id: other._id }, { $set: partOf(one) });
      await events().updateOne({ _id: one._id }, { $set: { sequence: one.sequence, ...partOf(other) } });
    };
    await exchange(a, b, ['payload', 'occurredAt']);
    const all = Object.keys(c).filter((name) => name !== '_id') as (keyof typeof c)[];
    await exchange(c, d, all);
    const named = await found();
    expect(named).toMatchObject([
      { kind: 'swapped', eventId: a._id.toString(), with: b._id.toString() },
      { kind: 'swapped', eventId: b._id.toString(), with: a._id.toString() },
      { kind: 'swapped', eventId: c._id.toString(), with: d._id.toString(), fields: [] },
      { kind: 'swapped', eventId: d._id.toString(), with: c._id.toString(), fields: [] },
    ]);
    expect(named[0]).toHaveProperty('fields', expect.arrayContaining(['payload']));
  });

  it('names a document that is no event, by whatever id', async () => {
    const [model] = await some(1);
    await gateway.database.db
      .collection('events')
      .insertOne({ ...model, _id: new UUID(newId()).toHexString() as never, aggregateId: 'x' });
    expect(await found()).toMatchObject([{ kind: 'inserted', what: 'a document that is no event' }]);
  });

  it('names all that are gone where the log is empty', async () => {
    await events().deleteMany({ tenantId: 'acme-2' });
    const named = await found();
    expect(named).toHaveLength(36);
    expect(new Set(named.map(({ kind, tenantId }) => `${kind} ${tenantId}`))).toEqual(
      new Set(['removed acme-2']),
    );
  });
});

describe('checkpoints that were changed by the driver', () => {
  const segments = () => segmentsOf(gateway.database.db);

  it('are named where one is missing, or forged, or signed by another key', async () => {
    await segments().deleteOne({ _id: 'acme/2' });
    expect(await found()).toMatchObject([
      { kind: 'checkpoint', segment: 2, why: 'it is not there' },
      // Its events seem to have been slipped in.
      ...Array.from({ length: 10 }, () => ({ kind: 'inserted', before: 3 })),
    ]);
    await segments().deleteMany({ tenantId: 'acme' });
    await seal(gateway.store, newSigner(), ['acme']);
    expect(await found()).toMatchObject([
      { kind: 'checkpoint', segment: 1, why: 'it is not signed by a key that is known here' },
    ]);
  });

  it('are named where the list of events was changed with an event', async () => {
    const [first] = await some(1);
    await events().updateOne({ _id: first?._id ?? new UUID() }, { $set: { type: 'Forged' } });
    const segment = await segments().findOne({ _id: 'acme/1' });
    const hashes = Buffer.from(segment?.hashes.buffer ?? []);
    hashes.fill(7, 8 * 32, 9 * 32);
    await segments().updateOne({ _id: 'acme/1' }, { $set: { hashes: new Binary(hashes) } });
    expect(await found()).toMatchObject([
      { kind: 'checkpoint', segment: 1, why: 'the list of its events was changed' },
      { kind: 'changed', segment: 1, eventId: first?._id.toString() },
    ]);
  });

  it('are named where one was put in another’s place', async () => {
    const [one, two] = await segments().find({ tenantId: 'acme' }).sort({ segment: 1 }).toArray();
    await segments().updateOne({ _id: 'acme/1' }, { $set: { checkpoint: two?.checkpoint ?? '' } });
    await segments().updateOne({ _id: 'acme/2' }, { $set: { checkpoint: one?.checkpoint ?? '' } });
    const named = await found();
    expect(named.map((each) => ('segment' in each ? each.segment : 0))).toEqual(
      expect.arrayContaining([1, 2, 3]),
    );
    expect(named.every(({ kind }) => kind === 'checkpoint')).toBe(true);
  });
});
