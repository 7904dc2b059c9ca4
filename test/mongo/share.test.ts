import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { liveHolder } from '../../src/mongo/lock.ts';
import { isAlive } from '../../src/mongo/processes.ts';
import { untilTrue } from '../eventually.ts';
import { type Folder, makeFolder } from './embedded-folder.ts';

let folder: Folder;
beforeEach(async () => {
  folder = await makeFolder();
});
afterEach(() => folder.remove());

describe('a second process on the data folder of a running gateway', () => {
  it('is refused with the pid of the first, if it is a gateway', async () => {
    const { child } = await folder.hold();
    await expect(folder.open()).rejects.toThrow(`in use by another gateway, process ${child.pid}.`);
    const other = await folder.hold();
    expect(other.error).toContain(`process ${child.pid}.`);
  });

  it('uses the gateway’s server, if it is a command, and leaves it running', async () => {
    const { child, uri } = await folder.hold();
    const command = await folder.open({}, { share: true });
    expect(command).toMatchObject({ uri, embedded: true });
    await command.db.collection('keys').insertOne({ n: 1 });
    await command.close();
    expect(isAlive(folder.mongodPid())).toBe(true);
    expect(child.exitCode).toBeNull();
  });

  it('waits for a gateway that is just starting, if it is a command', async () => {
    const starting = folder.hold();
    await untilTrue(() => liveHolder(folder.path)?.role === 'gateway');
    const [gateway, command] = await Promise.all([starting, folder.hold('share')]);
    expect(gateway.error ?? command.error).toBeUndefined();
  });
});

describe('a command on a data folder that nobody uses', () => {
  it('starts a server for as long as it takes', async () => {
    const command = await folder.open({}, { share: true });
    await command.db.collection('keys').insertOne({ n: 1 });
    const pid = folder.mongodPid();
    await command.close();
    expect(isAlive(pid)).toBe(false);
  });

  it('lets a gateway that starts meanwhile wait for its end', async () => {
    const { child } = await folder.hold('share');
    const gateway = folder.open();
    child.send('close');
    await once(child, 'exit');
    expect((await gateway).embedded).toBe(true);
  });
});
