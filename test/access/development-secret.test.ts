import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { developmentSecret } from '../../src/access/development-secret.ts';
import { StartupError } from '../../src/mongo/startup-error.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'waybill-secret-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('the secret of development mode', () => {
  it('is made once and kept, for the owner alone', async () => {
    const dataDir = join(folder, 'data');
    const secret = await developmentSecret(dataDir);
    expect(Buffer.byteLength(secret)).toBeGreaterThanOrEqual(32);
    expect(await developmentSecret(dataDir)).toBe(secret);
    expect((await stat(join(dataDir, 'dev-secret'))).mode & 0o777).toBe(0o600);
    expect((await stat(dataDir)).mode & 0o777).toBe(0o700);
  });

  it('closes a data folder of before to others, but none that other things live in', async () => {
    const [ours, shared] = [join(folder, 'ours'), join(folder, 'shared')];
    for (const dir of [ours, shared]) await mkdir(dir);
    await writeFile(join(ours, 'mongod.json'), '');
    await writeFile(join(shared, 'thesis.txt'), '');
    for (const dir of [ours, shared]) await chmod(dir, 0o755);
    await Promise.all([developmentSecret(ours), developmentSecret(shared)]);
    expect((await stat(ours)).mode & 0o777).toBe(0o700);
    expect((await stat(shared)).mode & 0o777).toBe(0o755);
  });

  it('is said to be made, once', async () => {
    const told: string[] = [];
    await developmentSecret(folder, (path) => told.push(path));
    await developmentSecret(folder, (path) => told.push(path));
    expect(told).toEqual([join(folder, 'dev-secret')]);
  });

  it('is the same for all who ask at once, and leaves nothing else behind', async () => {
    const secrets = await Promise.all(Array.from({ length: 16 }, () => developmentSecret(folder)));
    expect(new Set(secrets).size).toBe(1);
    expect(await readdir(folder)).toEqual(['dev-secret']);
  });

  it('is never a file that is too short to be one', async () => {
    await writeFile(join(folder, 'dev-secret'), 'short\n');
    await expect(developmentSecret(folder)).rejects.toBeInstanceOf(StartupError);
    expect(await readFile(join(folder, 'dev-secret'), 'utf8')).toBe('short\n');
  });

  it('needs a folder that can be written, and says so', async () => {
    await writeFile(join(folder, 'file'), '');
    await expect(developmentSecret(join(folder, 'file', 'below'))).rejects.toThrow(/WAYBILL_DATA/);
  });
});
