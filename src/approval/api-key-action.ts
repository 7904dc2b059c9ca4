import { z } from 'zod';
import { ApiKeyError, openApiKeys } from '../access/api-keys.ts';
import { nameSchema } from '../access/claims.ts';
import { defineProtectedAction } from '../protected/action.ts';
import { refusal } from '../refusal.ts';

/**
 * Gives a carrier's system the right to call, by a key. Who asks makes the key, hands it to the carrier, and tells Waybill its hash:
 * the key itself is in no request, event or row.
 */
export const apiKeyCreate = defineProtectedAction({
  name: 'api-key.create',
  doc:
    'Lets a system act for a carrier by an API key: { "name", "carrierId", "keyHash" }, the hash being the SHA-256 of the ' +
    'key, in hex digits. `waybill approval ask-key` makes the key and asks.',
  mayAsk: ['admin'],
  mayVote: ['admin'],
  breakGlass: true,
  arguments: z.strictObject({
    name: nameSchema,
    carrierId: nameSchema,
    keyHash: z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256, 64 hex digits in lower case'),
  }),
  async dryRun({ store, tenantId }, { name }) {
    const keys = await openKeys(store).then((opened) => opened.list(tenantId));
    if (keys.some((key) => key.name === name && key.revokedAt === null))
      return refusal('ALREADY_EXISTS', `A key named "${name}" is in force already.`, 'arguments.name');
    return [{ name: 'keys made', count: 1 }];
  },
  async execute({ store, tenantId, approvalId, askedBy, approvedBy }, { name, carrierId, keyHash }) {
    const keys = await openKeys(store);
    const details = { approvalId, approvedBy: approvedBy.map(({ id }) => id) };
    try {
      await keys.takeOn({ keyHash, tenantId, carrierId, name, by: askedBy, details });
      return { kind: 'done', summary: `Carrier ${carrierId} may call by the key "${name}".` };
    } catch (error) {
      if (error instanceof ApiKeyError) return { kind: 'failed', summary: error.message };
      throw error;
    }
  },
});

type Ground = Parameters<typeof apiKeyCreate.dryRun>[0];

function openKeys(store: Ground['store']): ReturnType<typeof openApiKeys> {
  return openApiKeys(store.client, store.db);
}
