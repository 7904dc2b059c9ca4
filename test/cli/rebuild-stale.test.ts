import { describe, expect, it } from 'vitest';
import { pointersOf, readPointer } from '../../src/eventstore/projection/generation/pointer.ts';
import { projections } from '../../src/model.ts';
import { openDatabase } from '../database.ts';
import { eventually } from '../eventually.ts';
import { driftOf, streamsOf } from '../log-oracle.ts';
import { insertFleet } from '../model-log.ts';
import { startGateway as startProcess } from './command.ts';
import { variablesOf } from './event-files.ts';

describe('a gateway of newer code', () => {
  it('rebuilds at its start what older code has folded', async () => {
    const database = await openDatabase();
    const before = startProcess(variablesOf(database));
    await before.listening;
    before.child.kill('SIGTERM');
    await before.ended;
    await insertFleet(database.db, 20, 10);
    // As if the rows were of the version before this one.
    await pointersOf(database.db).updateMany({}, { $set: { version: 0 }, $inc: { revision: 1 } });
    const gateway = startProcess(variablesOf(database));
    await gateway.listening;
    await eventually(async () => {
      for (const { name, version } of projections)
        expect(await readPointer(database.db, name)).toMatchObject({ version, generation: 2 });
    });
    await eventually(async () =>
      expect(await driftOf(database.db, await streamsOf(database.db))).toEqual([]),
    );
    expect(gateway.output()).toContain('read model rebuilt');
    gateway.child.kill('SIGTERM');
    await gateway.ended;
    await database.close();
  });
});
