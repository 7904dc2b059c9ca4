import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UUID } from 'mongodb';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openBackfill } from '../../../src/eventstore/archive/backfill.ts';
import { openEventLines } from '../../../src/eventstore/archive/event-line.ts';
import type { Store } from '../../../src/eventstore/command/store.ts';
import type { StoredEvent } from '../../../src/eventstore/event.ts';
import { newId } from '../../../src/eventstore/ids.ts';
import { announcementsOf } from '../../../src/eventstore/log/announced.ts';
import { Copying } from '../../../src/eventstore/proof/copying.ts';
import { folderCopies } from '../../../src/eventstore/proof/folder-copies.ts';
import { startSealing } from '../../../src/eventstore/proof/job.ts';
import { segmentsOf } from '../../../src/eventstore/proof/segment.ts';
import { timelinesOf } from '../../../src/eventstore/timeline.ts';
import { model } from '../../../src/model.ts';
import { eventually } from '../../eventually.ts';
import { startGateway, type TestGateway } from '../../gateway.ts';
import { goOn, openWorld, TENANTS, type World } from '../verify/world.ts';
import { checked, newSigner, publish, seal, settled } from './stage.ts';

const signer = newSigner();
const signal = new AbortController().signal;

let gateway: TestGateway;
let world: World;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'waybill-copies-'));
  gateway = await startGateway();
  world = await openWorld(gateway.store, 4);
});
afterEach(async () => {
  await gateway.close();
  await rm(folder, { recursive: true });
});

const NOTHING = { findings: [], report: { unsealed: 0 } };

/** Events as an import brings them, recorded an hour ago: they stand behind everything that is sealed. */
async function imported(store: Store, count: number): Promise<StoredEvent[]> {
  const [known] = await store.events
    .find({ tenantId: 'acme', sequence: 1, aggregateType: 'Route' })
    .toArray();
  if (known === undefined) throw new Error('There is no event to copy.');
  const { loggedAt: _, ...event } = known;
  const recordedAt = new Date(Date.now() - 3_600_000);
  const events = Array.from({ length: count }, () => ({
    ...event,
    _id: new UUID(newId()),
    aggregateId: new UUID(newId()),
    recordedAt,
  }));
  const backfill = openBackfill({ store, lines: openEventLines(model.definitions), dryRun: false });
  const result = await backfill.write(events.map((each, at) => ({ event: each, line: at + 1 })));
  expect(result).toMatchObject({ recorded: count, refused: [] });
  return events;
}

describe('an import into a log that is sealed', () => {
  it('is sealed in a segment of its own, and is not taken for what was slipped in', async () => {
    await publish(gateway.store, signer);
    await seal(gateway.store, signer, TENANTS);
    const [first] = await imported(gateway.store, 5);
    expect(await checked(gateway.store, signer)).toMatchObject({ findings: [] });
    await seal(gateway.store, signer, TENANTS);
    expect(await announcementsOf(gateway.database.db).countDocuments()).toBe(0);
    expect(await checked(gateway.store, signer)).toMatchObject({
      findings: [],
      report: { segments: 3, events: 53 },
    });
    await gateway.store.events.deleteOne({ _id: first?._id ?? new UUID() });
    expect((await checked(gateway.store, signer)).findings).toMatchObject([
      { kind: 'removed', segment: 2, eventId: first?._id.toString() },
    ]);
  });

  it('is sealed once where what is recorded has not been sealed yet', async () => {
    await publish(gateway.store, signer);
    await imported(gateway.store, 5);
    await seal(gateway.store, signer, TENANTS);
    expect(await announcementsOf(gateway.database.db).countDocuments()).toBe(0);
    expect(await checked(gateway.store, signer)).toMatchObject({
      findings: [],
      report: { segments: 2, events: 53 },
    });
  });

  it('announces nothing where the log is not sealed', async () => {
    await imported(gateway.store, 5);
    expect(await announcementsOf(gateway.database.db).countDocuments()).toBe(0);
  });
});

describe('a log that was restored', () => {
  const copies = () => folderCopies(folder);
  /** The database at an earlier state, as another process finds it: what was recorded and sealed since is gone. */
  async function restore(events: readonly StoredEvent[], segment: number): Promise<Store> {
    const { store, database } = gateway;
    await store.events.deleteMany({ _id: { $nin: events.map(({ _id }) => _id) } });
    await segmentsOf(database.db).deleteMany({ segment: { $gt: segment } });
    const id = store.timeline.id + 1;
    await timelinesOf(database.db).updateOne({ _id: 'log' }, { $set: { id } });
    return { ...store, timeline: { ...store.timeline, id } };
  }

  it('says so in its checkpoints, which go on from the last that is left', async () => {
    await seal(gateway.store, signer, TENANTS);
    const backup = await gateway.store.events.find().toArray();
    await goOn(gateway.store, world, 5);
    await seal(gateway.store, signer, TENANTS);
    await new Copying(gateway.database.db, copies()).copy(signal);
    const restored = await restore(backup, 1);
    // A process from before the restore signs nothing any more.
    await expect(seal(gateway.store, signer, TENANTS)).resolves.toBeUndefined();
    await openWorld(restored, 2);
    await expect(seal(gateway.store, signer, TENANTS)).rejects.toThrow('restored');
    await seal(restored, signer, TENANTS);
    await new Copying(gateway.database.db, copies()).copy(signal);
    const { findings, report } = await checked(restored, signer, { copies: copies() });
    expect(findings).toEqual([]);
    const { id } = gateway.store.timeline;
    expect(report.restores).toMatchObject(
      TENANTS.map((tenantId) => ({ tenantId, segment: 2, from: id, to: id + 1 })),
    );
  });
});

describe('checkpoints that are kept beside the log', () => {
  const copies = () => folderCopies(folder);

  it('name a checkpoint that the database has lost, with its events or without', async () => {
    await seal(gateway.store, signer, TENANTS);
    await goOn(gateway.store, world, 5);
    await seal(gateway.store, signer, TENANTS);
    const copying = new Copying(gateway.database.db, copies());
    await copying.copy(signal);
    await copying.copy(signal);
    expect(await readdir(join(folder, 'acme'))).toHaveLength(2);
    expect(await checked(gateway.store, signer, { copies: copies() })).toMatchObject(NOTHING);

    await segmentsOf(gateway.database.db).deleteOne({ _id: 'acme/2' });
    await gateway.store.events.deleteMany({ tenantId: 'acme-2' });
    await segmentsOf(gateway.database.db).deleteMany({ tenantId: 'acme-2' });
    const { findings } = await checked(gateway.store, signer, { copies: copies() });
    expect(findings).toMatchObject([
      { kind: 'checkpoint', tenantId: 'acme', segment: 2, why: `it is not there, and ${folder} has it` },
      { kind: 'checkpoint', tenantId: 'acme-2', segment: 1 },
      { kind: 'checkpoint', tenantId: 'acme-2', segment: 2 },
    ]);
  });

  it('are never written over', async () => {
    await seal(gateway.store, signer, TENANTS);
    await new Copying(gateway.database.db, copies()).copy(signal);
    const [name] = await copies().names('acme');
    if (name === undefined) throw new Error('There is no copy.');
    await copies().put(name, await copies().get(name));
    await expect(copies().put(name, 'another one')).rejects.toThrow('holds another checkpoint');
    await writeFile(join(folder, 'README'), 'not a tenant');
    expect((await copies().tenants()).sort()).toEqual([...TENANTS]);
  });
});

describe('the job that seals', () => {
  it('seals every tenant in one of two processes, keeps copies, and says how far it has come', async () => {
    const told: number[] = [];
    let sealed = 0;
    const observer = {
      sealed: (events: number) => {
        sealed += events;
      },
      unsealed: (seconds: number) => void told.push(seconds),
      failed: () => undefined,
    };
    const start = (store: Store) =>
      startSealing(settled(store), signer, {
        observer,
        copies: folderCopies(folder),
        everyMs: 50,
        lookMs: 20,
      });
    const jobs = [start(gateway.store), start({ ...gateway.store, producerId: 'another' })];
    try {
      await eventually(() => expect(sealed).toBe(48));
      await eventually(async () => expect(await readdir(join(folder, 'acme-2'))).not.toHaveLength(0));
      await eventually(() => expect(told.at(-1)).toBeLessThan(60));
    } finally {
      await Promise.all(jobs.map((job) => job.stop()));
    }
    expect((await checked(gateway.store, signer)).findings).toEqual([]);
  });
});
