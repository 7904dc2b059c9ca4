import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FolderInUse, liveHolder, lock } from '../../src/mongo/lock.ts';
import { beganAt } from '../../src/mongo/processes.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'waybill-lock-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const leave = (holder: object) => writeFileSync(join(folder, 'gateway.lock'), JSON.stringify(holder));

describe('the lock on a data folder', () => {
  it('is refused while a live process holds it, and names that process', () => {
    const { pid } = process;
    lock(folder, 'gateway');
    expect(() => lock(folder, 'gateway')).toThrow(FolderInUse);
    expect(() => lock(folder, 'gateway')).toThrow(`process ${pid}`);
    expect(liveHolder(folder)).toMatchObject({ pid, role: 'gateway' });
  });

  it('is free again once released', () => {
    lock(folder, 'gateway').release();
    expect(liveHolder(folder)).toBeUndefined();
    lock(folder, 'gateway').release();
  });

  it('is taken over from a process that is dead', () => {
    leave({ pid: 2 ** 22 + 1, host: hostname(), role: 'gateway' });
    lock(folder, 'gateway');
    expect(liveHolder(folder)?.pid).toBe(process.pid);
  });

  it('is taken over if the pid now belongs to a process that began at another time', () => {
    leave({ pid: process.ppid, beganAt: 'before', host: hostname(), role: 'gateway' });
    lock(folder, 'gateway');
    expect(liveHolder(folder)?.pid).toBe(process.pid);
  });

  it('is kept by a live process of another role too', () => {
    leave({ pid: process.ppid, beganAt: beganAt(process.ppid), host: hostname(), role: 'command' });
    expect(() => lock(folder, 'gateway')).toThrow('a waybill command');
  });

  it('is taken over if it came with the folder from another host', () => {
    leave({ pid: process.ppid, beganAt: beganAt(process.ppid), host: 'elsewhere', role: 'gateway' });
    lock(folder, 'gateway');
    expect(liveHolder(folder)?.pid).toBe(process.pid);
  });

  it('is taken over if its file is garbage', () => {
    writeFileSync(join(folder, 'gateway.lock'), 'half a l');
    lock(folder, 'gateway');
    expect(liveHolder(folder)?.pid).toBe(process.pid);
  });
});
