import { z } from 'zod';
import type { ProtectedAction } from '../../src/protected/action.ts';
import { defineProtectedAction } from '../../src/protected/action.ts';

/**
 * An action whose effect is a document named by the approval, beside a count of how often it was begun.
 * @param afterwards what is waited for between the effect and the end
 */
export function slowAction(
  afterwards: () => Promise<void>,
  rowsNow: () => number = () => 100,
): ProtectedAction {
  return defineProtectedAction({
    name: 'test.slow',
    doc: 'Does something that takes long.',
    mayAsk: ['admin'],
    mayVote: ['admin'],
    breakGlass: true,
    arguments: z.strictObject({ name: z.string() }),
    dryRun: async () => [{ name: 'rows', count: rowsNow() }],
    async execute({ store, approvalId }) {
      const effects = store.db.collection<{ _id: string; begun: number; done?: boolean }>('effects');
      await effects.updateOne({ _id: approvalId }, { $inc: { begun: 1 } }, { upsert: true });
      const first = await effects.updateOne(
        { _id: approvalId, done: { $exists: false } },
        { $set: { done: true } },
      );
      await store.db
        .collection<{ approvalId: string; first: boolean }>('runs')
        .insertOne({ approvalId, first: first.modifiedCount === 1 });
      await afterwards();
      return { kind: 'done', summary: 'It is done.' };
    },
  });
}
