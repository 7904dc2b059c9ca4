import { randomUUID } from 'node:crypto';
import { link, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hasCode } from '../faults.ts';
import { type CheckpointStore, nameOfCopy, OtherCopy, pathOfCopy } from './copies.ts';

/** Nobody may write to a checkpoint that is kept. */
const READ_ONLY = 0o444;

/** Checkpoints in a folder, which is best on a disk that is written once, or is another machine's. */
export function folderCopies(folder: string): CheckpointStore {
  const entries = (path: string): Promise<string[]> =>
    readdir(path).catch((error: unknown) => {
      if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return [];
      throw error;
    });
  return {
    where: folder,
    async put(name, text) {
      const path = join(folder, pathOfCopy(name));
      await mkdir(dirname(path), { recursive: true });
      const draft = `${path}.${randomUUID()}`;
      try {
        // Whole under its name, or not at all; and never over another one.
        await writeFile(draft, text, { flag: 'wx', mode: READ_ONLY });
        await link(draft, path);
      } catch (error) {
        if (!hasCode(error, 'EEXIST')) throw error;
        if ((await readFile(path, 'utf8')) !== text) throw new OtherCopy(`${path} holds another checkpoint`);
      } finally {
        await rm(draft, { force: true });
      }
    },
    get: (name) => readFile(join(folder, pathOfCopy(name)), 'utf8'),
    async names(tenantId) {
      const files = await entries(join(folder, tenantId));
      return files.map((file) => nameOfCopy(`${tenantId}/${file}`)).filter((name) => name !== undefined);
    },
    async tenants() {
      // Whatever else lies there is left alone.
      const withNotes = await Promise.all(
        (await entries(folder)).map(async (name) =>
          (await entries(join(folder, name))).length > 0 ? [name] : [],
        ),
      );
      return withNotes.flat();
    },
  };
}
