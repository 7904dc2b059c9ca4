import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createClient } from '../../src/mongo/client.ts';
import { launch } from '../../src/mongo/launch.ts';
import type { LaunchOptions } from '../../src/mongo/launch-options.ts';
import { choosePort, LOOPBACK } from '../../src/mongo/port.ts';
import { type Binary, findBinary } from '../../src/mongo/program/binary.ts';
import { pathsIn } from '../../src/mongo/state.ts';
import { type Folder, makeFolder, silent } from './embedded-folder.ts';

let folder: Folder;
let binary: Binary;
let options: LaunchOptions;
beforeEach(async () => {
  folder = await makeFolder();
  binary = await findBinary({ mongodPath: process.env.WAYBILL_MONGOD }, silent);
  const { database, log } = pathsIn(folder.path);
  const port = await choosePort();
  options = { binary: binary.path, folder: database, logFile: log, port, replicaSet: null, cacheGb: 0.25 };
});
afterEach(() => folder.remove());

describe('a mongod that does not start', () => {
  it('because its port is taken, says so', async () => {
    const squatter = createServer((socket) => socket.destroy()).listen(options.port, LOOPBACK);
    await expect(launch(options)).rejects.toMatchObject({
      reason: 'port taken',
      message: `Port ${options.port} is taken by another process.`,
    });
    squatter.close();
  });

  it('because another mongod has the folder, says so', async () => {
    const first = await launch(options);
    const second = { ...options, port: await choosePort(), logFile: join(folder.path, 'second.log') };
    await expect(launch(second)).rejects.toMatchObject({ reason: 'in use' });
    await first.stop();
  });

  it('because a newer one wrote the data, says so', async () => {
    // A real one lets nobody forge its version document: this plays back what mongod 6.0 logs on data of 7.0.
    const line = {
      s: 'F',
      id: 20557,
      msg: 'DBException in initAndListen, terminating',
      attr: {
        error: 'Location4926900: Invalid featureCompatibilityVersion document in admin.system.version',
      },
    };
    const newer = script(`echo '${JSON.stringify(line)}' > ${options.logFile}; exit 14`);
    await expect(launch({ ...options, binary: newer })).rejects.toMatchObject({
      reason: 'other version',
    });
  });

  it('because it lacks a library, names the package', async () => {
    const lacking = script('echo "x: error while loading shared libraries: libssl.so.3: none" >&2; exit 127');
    await expect(launch({ ...options, binary: lacking })).rejects.toThrow('apt-get install libssl3');
  });

  it('because it is no program, says so', async () => {
    await expect(launch({ ...options, binary: folder.path })).rejects.toThrow(
      `${folder.path} cannot be run (EACCES)`,
    );
  });

  it('for a reason unknown, gives its last words and its log', async () => {
    const failing = script('echo "something odd" >&2; exit 3');
    await expect(launch({ ...options, binary: failing })).rejects.toThrow(
      `mongod did not start (exit code 3: something odd). Its log: ${options.logFile}`,
    );
  });
});

describe('a mongod that is slow to listen', () => {
  it('is waited for', async () => {
    // Longer than one attempt to reach it takes.
    const slow = script(`sleep 3; touch ${join(folder.path, 'slept')}; exec ${binary.path} "$@"`);
    const mongod = await launch({ ...options, binary: slow, replicaSet: 'slow' });
    expect(existsSync(join(folder.path, 'slept'))).toBe(true);
    const client = createClient(mongod.uri);
    expect(await client.db('admin').command({ hello: 1 })).toMatchObject({ isWritablePrimary: true });
    await client.close();
    await mongod.stop();
    expect((await mongod.exited).code).toBe(0);
  });
});

describe('a data folder that cannot be made', () => {
  it('is an error that names it', async () => {
    const file = join(folder.path, 'file');
    writeFileSync(file, '');
    await expect(folder.open({ dataDir: join(file, 'data') })).rejects.toThrow(
      `The data folder ${join(file, 'data')} cannot be written to (ENOTDIR)`,
    );
  });
});

function script(body: string): string {
  const path = join(folder.path, 'fake-mongod');
  writeFileSync(path, `#!/bin/sh\n${body}\n`);
  chmodSync(path, 0o755);
  return path;
}
