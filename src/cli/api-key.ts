import type { Command } from 'commander';
import { type ApiKeyDocument, type ApiKeys, openApiKeys } from '../access/api-keys.ts';
import { apiKeyId } from '../access/authenticate.ts';
import { nameSchema, tenantIdSchema } from '../access/claims.ts';
import { operator } from '../process/operator.ts';
import { validBy } from './argument.ts';
import { withDatabase } from './command-store.ts';
import type { CliContext } from './context.ts';

interface KeyFlags {
  readonly tenant: string;
  readonly carrierId: string;
  readonly name: string;
}

/** Adds `waybill api-key create | list | revoke`. */
export function addApiKeyCommand(program: Command, context: CliContext): void {
  const apiKey = program.command('api-key').description("make, list and revoke partner carriers' API keys");

  apiKey
    .command('create')
    .description('make a key and print it: the only time that it is shown')
    .requiredOption('--tenant <id>', 'whose tenders the carrier answers', validBy(tenantIdSchema))
    .requiredOption('--carrier-id <id>', 'the carrier', validBy(nameSchema))
    .requiredOption('--name <name>', 'what people call the key', validBy(nameSchema))
    .action(({ tenant, carrierId, name }: KeyFlags) =>
      withApiKeys(context, async (keys) => {
        const made = await keys.create({ tenantId: tenant, carrierId, name, by: operator() });
        context.console.error(
          `Key ${apiKeyId(made.document._id)} "${name}" of carrier ${carrierId}; it is not shown again:`,
        );
        context.console.log(made.apiKey);
      }),
    );

  apiKey
    .command('list')
    .description("list a tenant's keys, newest first; the keys themselves are not kept")
    .requiredOption('--tenant <id>', 'the tenant', validBy(tenantIdSchema))
    .option('--carrier-id <id>', 'of this carrier alone', validBy(nameSchema))
    .action(({ tenant, carrierId }: Pick<KeyFlags, 'tenant'> & Partial<KeyFlags>) =>
      withApiKeys(context, async (keys) => {
        for (const key of await keys.list(tenant, carrierId)) context.console.log(lineOf(key));
      }),
    );

  apiKey
    .command('revoke')
    .description('end a key; running gateways refuse it, and end what it has open, within seconds')
    .requiredOption('--tenant <id>', 'the tenant', validBy(tenantIdSchema))
    .requiredOption('--name <name>', 'what people call the key', validBy(nameSchema))
    .action(({ tenant, name }: Omit<KeyFlags, 'carrierId'>) =>
      withApiKeys(context, async (keys) => {
        context.console.log(lineOf(await keys.revoke({ tenantId: tenant, name, by: operator() })));
      }),
    );
}

/** Opens the keys where the gateway keeps them, for one piece of work. */
function withApiKeys(context: CliContext, work: (keys: ApiKeys) => Promise<void>): Promise<void> {
  return withDatabase(context, async ({ client, db }) => work(await openApiKeys(client, db)));
}

/** One key a line, its fields between tabs. */
function lineOf(key: ApiKeyDocument): string {
  const { _id, name, carrierId, createdAt, createdBy, revokedAt } = key;
  const state = revokedAt === null ? 'in force' : `revoked ${revokedAt.toISOString()}`;
  return [
    apiKeyId(_id),
    name,
    carrierId,
    `created ${createdAt.toISOString()} by ${createdBy.id}`,
    state,
  ].join('\t');
}
