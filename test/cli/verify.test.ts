import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { goOn, openWorld, type World } from '../eventstore/verify/world.ts';
import { startGateway, type TestGateway } from '../gateway.ts';
import { expectSentence, waybill, waybillProcess } from './command.ts';
import { variablesOf } from './event-files.ts';

let gateway: TestGateway;
let world: World;
beforeAll(async () => {
  gateway = await startGateway();
  world = await openWorld(gateway.store, 20);
});
afterAll(() => gateway.close());

const verify = (...args: string[]) => waybill(['verify', ...args], variablesOf(gateway.database));
const rows = (name: string) => gateway.database.db.collection<{ _id: string }>(name);
const idOf = (name: keyof World, index: number) =>
  `${world[name][index]?.tenantId}/${world[name][index]?.id}`;

describe('waybill verify, beside a gateway that serves', () => {
  it('says of each read model, and of other streams, that nothing is wrong', async () => {
    const ended = await waybillProcess(['verify'], variablesOf(gateway.database));
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    for (const name of ['tenders_read', 'route_summary', 'fleet_status'])
      expect(ended.stdout).toMatch(
        new RegExp(
          `${name}: 20 rows, 20 streams, 60 events in .* \\([\\d,]+ events/s\\)\\n {2}findings {3}none\\n`,
        ),
      );
    expect(ended.stdout).toMatch(/LicensePlate: 0 rows, 0 streams/);
    expect(ended.stdout).toMatch(/checksums {2}log ([\da-f]{32}), rows \1\n/);
  });

  it('names each row and field, and ends with 2; repairs them, and ends with 0', async () => {
    await rows('tenders_read').updateOne({ _id: idOf('tenders_read', 0) }, { $set: { status: 'LOST' } });
    await rows('tenders_read').deleteOne({ _id: idOf('tenders_read', 1) });
    await rows('fleet_status').updateOne({ _id: idOf('fleet_status', 2) }, { $inc: { lastSequence: -1 } });
    const named = [
      `tenders_read ${idOf('tenders_read', 0)}: wrong: status is "LOST", should be "OFFERED"`,
      `tenders_read ${idOf('tenders_read', 1)}: missing: its stream has come to event 3`,
      `fleet_status ${idOf('fleet_status', 2)}: stale: it shows event 2 of 3`,
    ];
    const found = await verify();
    expect(found.code).toBe(2);
    for (const line of named) expect(found.stdout).toContain(`${line}\n`);
    expect(found.stdout).toContain('findings   1 wrong, 1 missing\n');

    const repaired = await verify('tenders_read', '--repair');
    expect(repaired.code).toBe(0);
    expect(repaired.stdout).toContain(`${named[0]} (repaired)\n`);
    expect(repaired.stdout).toContain('findings   1 wrong, 1 missing; 2 repaired\n');
    const left = await verify('--rate', '1000');
    expect(left.code).toBe(2);
    expect(left.stdout).not.toContain('LOST');
    expect(left.stdout).toContain(`${named[2]}\n`);
    expect((await verify('--repair')).code).toBe(0);
    expect((await verify()).code).toBe(0);
    const actions = gateway.database.db.collection('admin_actions').find({ what: 'verify --repair' });
    expect(await actions.toArray()).toMatchObject([
      { details: { projection: 'tenders_read' } },
      { details: { projection: 'all' } },
    ]);
  });

  it('looks at one tenant alone', async () => {
    await rows('tenders_read').updateOne({ _id: idOf('tenders_read', 0) }, { $set: { status: 'LOST' } });
    await goOn(gateway.store, { ...world, tenders_read: world.tenders_read.slice(1) }, 5);
    const of = await verify('tenders_read', '--tenant', 'acme-2');
    expect(of).toMatchObject({ code: 0, stdout: expect.stringContaining('10 rows, 10 streams') });
    expect((await verify('tenders_read', '--tenant', 'acme')).code).toBe(2);
  });
});

describe('waybill verify with something wrong', () => {
  it('says which read models there are', async () => {
    const ended = await verify('trucks_read');
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain('Allowed choices are tenders_read, route_summary, fleet_status');
  });

  it('says that rows wait for a rebuild', async () => {
    await gateway.database.db
      .collection<{ _id: string }>('projection_pointers')
      .updateOne({ _id: 'route_summary' }, { $set: { version: 0 } });
    expectSentence(await verify('route_summary'), /of version 0 .* `npx waybill rebuild route_summary`/);
  });
});
