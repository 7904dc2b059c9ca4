import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type MachineClocks, openClock } from '../../src/eventstore/clock.ts';
import { openDatabase, type TestDatabase } from '../database.ts';
import { eventually } from '../eventually.ts';

const log = pino({ level: 'silent' });
let database: TestDatabase;

beforeAll(async () => {
  database = await openDatabase();
});
afterAll(() => database.close());

/** A machine whose clock somebody sets. */
function machineOff(byMs: number): MachineClocks & { set(byMs: number): void } {
  let offMs = byMs;
  return {
    wall: () => Date.now() + offMs,
    steady: () => performance.now(),
    set: (ms) => {
      offMs = ms;
    },
  };
}

/** The database's mongod runs on this machine, so its time is this one. */
const offMs = (moment: number): number => Math.abs(moment - Date.now());

describe.each([45_000, -45_000])('a machine whose clock is off by %i ms', (byMs) => {
  it("tells the database's time, and how far its own is off", async () => {
    const clock = await openClock(database.db, log, machineOff(byMs));
    expect(offMs(clock.now())).toBeLessThan(1_000);
    expect(Math.abs(clock.skewMs() - byMs)).toBeLessThan(1_000);
  });
});

describe('a machine whose clock is set while the process runs', () => {
  it("goes on by the database's time, and finds out how far its own is off now", async () => {
    const machine = machineOff(0);
    const clock = await openClock(database.db, log, machine);
    machine.set(-3_600_000);
    expect(offMs(clock.now())).toBeLessThan(1_000);
    await eventually(() => expect(Math.abs(clock.skewMs() + 3_600_000)).toBeLessThan(1_000));
    expect(offMs(clock.now())).toBeLessThan(1_000);
  });
});

describe('a process that was stopped together with its steady clock', () => {
  it('asks the database again as soon as it wakes up', async () => {
    let sleptMs = 0;
    const machine = { wall: Date.now, steady: () => performance.now() - sleptMs };
    const clock = await openClock(database.db, log, machine);
    sleptMs = 600_000;
    await eventually(() => expect(offMs(clock.now())).toBeLessThan(1_000));
  });
});
