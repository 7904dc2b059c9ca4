import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { zipSync } from 'fflate';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { findBinary } from '../../src/mongo/program/binary.ts';
import { cachedMongod, defaultCacheDir, install } from '../../src/mongo/program/cache.ts';
import { unpack, WHEEL } from '../../src/mongo/program/download-wheel.ts';
import { inspect, missingLibrary } from '../../src/mongo/program/inspect.ts';
import { silent } from './embedded-folder.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'waybill-binary-'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

/** A program that says something and ends. */
function fake(path: string, says: string, code = 0): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `#!/bin/sh\ncat >&2 <<'END'\n${says}\nEND\nexit ${code}\n`);
  chmodSync(path, 0o755);
  return path;
}

const LOADER = 'mongod: error while loading shared libraries: libcurl.so.4: cannot open shared object file';

describe('WAYBILL_MONGOD', () => {
  const find = (mongodPath: string) => findBinary({ mongodPath }, silent);

  it('is used, and no other', async () => {
    const path = fake(join(folder, 'mine'), 'db version v7.0.14');
    expect(await find(path)).toEqual({ path, version: '7.0.14' });
  });

  it('that does not exist is an error', async () => {
    await expect(find(join(folder, 'none'))).rejects.toThrow('but there is no such file');
  });

  it('that is too old is an error', async () => {
    await expect(find(fake(join(folder, 'old'), 'db version v5.0.9'))).rejects.toThrow(
      'it is MongoDB 5.0.9; Waybill needs 6.0 or newer',
    );
  });

  it('that lacks a shared library is an error that names the package to install', async () => {
    await expect(find(fake(join(folder, 'lacking'), LOADER, 127))).rejects.toThrow(
      'the shared library libcurl.so.4 is missing; on Debian or Ubuntu install it with: apt-get install libcurl4',
    );
  });

  it('that is something else is an error', async () => {
    await expect(find(fake(join(folder, 'else'), 'hello'))).rejects.toThrow('it is no mongod');
  });
});

describe('the search for a mongod', () => {
  it('takes the one on PATH before the cache', async () => {
    vi.stubEnv('PATH', `${join(folder, 'bin')}:/bin`);
    fake(join(folder, 'bin', 'mongod'), 'db version v8.0.3');
    fake(cachedMongod(folder, WHEEL.mongodVersion), 'db version v6.0.5');
    expect(await findBinary({ cacheDir: folder }, silent)).toEqual({ path: 'mongod', version: '8.0.3' });
  });

  it('passes over one on PATH that is too old', async () => {
    vi.stubEnv('PATH', `${join(folder, 'bin')}:/bin`);
    fake(join(folder, 'bin', 'mongod'), 'db version v4.4.1');
    const path = fake(cachedMongod(folder, WHEEL.mongodVersion), 'db version v6.0.5');
    expect(await findBinary({ cacheDir: folder }, silent)).toEqual({ path, version: '6.0.5' });
  });

  it('takes from the cache the version that wrote the data', async () => {
    vi.stubEnv('PATH', '/bin');
    fake(cachedMongod(folder, '8.0.12'), 'db version v8.0.12');
    fake(cachedMongod(folder, '6.0.5'), 'db version v6.0.5');
    expect(await findBinary({ cacheDir: folder, dataVersion: '6.0.5' }, silent)).toMatchObject({
      version: '6.0.5',
    });
    expect(await findBinary({ cacheDir: folder }, silent)).toMatchObject({ version: '8.0.12' });
  });

  it('that finds nothing names every way and why it led nowhere', async () => {
    // A file where the cache's folder should be: nothing can be found or fetched there.
    const root = join(folder, 'file');
    writeFileSync(root, '');
    vi.stubEnv('PATH', '/bin');
    const search = findBinary({ cacheDir: root }, silent);
    await expect(search).rejects.toThrow(
      /MONGODB_URI[\s\S]*WAYBILL_MONGOD[\s\S]*PATH[\s\S]*download[\s\S]*pip[\s\S]*Tried:\n {2}- mongod on PATH: there is none/,
    );
  });
});

describe('the cache of binaries', () => {
  it('is where XDG says', () => {
    expect(defaultCacheDir('/x')).toBe('/x/waybill');
    expect(defaultCacheDir()).toMatch(/\.cache\/waybill$/);
  });

  it('gets whole files only, also from two at once', async () => {
    const target = join(folder, 'kept', 'mongod');
    const fetch = async (into: string) => fake(join(into, 'm'), 'db version v6.0.5');
    await Promise.all([install(target, fetch), install(target, fetch)]);
    expect(await inspect(target)).toEqual({ kind: 'mongod', version: '6.0.5' });
    const failing = install(target, async () => Promise.reject(new Error('broken off')));
    await expect(failing).rejects.toThrow('broken off');
    expect(readdirSync(dirname(target))).toEqual(['mongod']);
  });
});

describe('a wheel', () => {
  it('with another checksum is not unpacked', async () => {
    const wheel = zipSync({ [`x.data/purelib/${WHEEL.entry}`]: new Uint8Array([1]) });
    await expect(unpack(wheel, folder, WHEEL)).rejects.toThrow("the wheel's checksum is wrong");
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('the loader’s complaint', () => {
  it.each([
    ['x: error while loading shared libraries: libcrypto.so.3: cannot', 'apt-get install libssl3'],
    ['x: error while loading shared libraries: libcrypto.so.1.1: cannot', 'apt-get install libssl1.1'],
    ['x: error while loading shared libraries: libwhat.so.9: cannot', 'libwhat.so.9 is missing'],
    ["x: /lib/libc.so.6: version `GLIBC_2.34' not found", 'built for a newer system (GLIBC_2.34'],
  ])('%s', (said, advice) => {
    expect(missingLibrary(said)).toContain(advice);
  });
});
