import { mkdir, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { hasCode } from '../eventstore/faults.ts';

const line = z.object({ tenantId: z.string(), subject: z.string(), at: z.iso.datetime() });

/** An erasure, as the ledger has it: nothing in it tells who the subject was. */
export type Erasure = z.infer<typeof line>;

/**
 * The ledger of erasures: kept outside of the database, so that a restore of an earlier state does not bring back whom it had
 * not erased yet.
 */
export interface Ledger {
  /** Adds an erasure, durably. */
  add(erasure: Erasure): Promise<void>;
  /** All of them, each once. @throws where a line is none: a ledger that cannot be read would let the erased come back */
  all(): Promise<readonly Erasure[]>;
}

/** A ledger in a file, a line of JSON each; lines are only ever added. */
export function fileLedger(path: string): Ledger {
  return {
    async add(erasure) {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      const file = await open(path, 'a', 0o600);
      try {
        await file.write(`${JSON.stringify(erasure)}\n`);
        await file.sync();
      } finally {
        await file.close();
      }
    },
    async all() {
      const lines = (await contentOf(path)).split('\n').filter((text) => text !== '');
      const erasures = new Map<string, Erasure>();
      for (const [index, text] of lines.entries()) {
        const read = line.safeParse(parsed(text));
        if (!read.success)
          throw new LedgerError(`Line ${index + 1} of ${path} is no erasure: put it right first.`);
        erasures.set(`${read.data.tenantId}/${read.data.subject}`, read.data);
      }
      return [...erasures.values()];
    },
  };
}

/** What the operator has to put right. */
export class LedgerError extends Error {
  override readonly name = 'LedgerError';
}

async function contentOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return '';
    throw new LedgerError(`The ledger of erasures ${path} cannot be read (${String(error)}).`);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
