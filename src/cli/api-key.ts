import type { Command } from 'commander';
import { apiKeyId } from '../access/api-key.ts';
import { type ApiKeyDocument, type ApiKeys, openApiKeys } from '../access/api-keys.ts';
import { nameSchema, tenantIdSchema } from '../access/claims.ts';
import { openMongo } from '../mongo/mongo.ts';
import { openLog } from '../process/log.ts';
import type { Variables } from '../process/setting.ts';
import { mongoSettingsOf, readSettings } from '../process/settings.ts';
import { validBy } from './argument.ts';
import { operator } from './operator.ts';

interface KeyFlags {
  readonly tenant: string;
  readonly carrierId: string;
  readonly name: string;
}

/** Adds `waybill api-key create | list | revoke`. */
export function addApiKeyCommand(program: Command, variables: Variables): void {
  const apiKey = program.command('api-key').description("make, list and revoke partner carriers' API keys");

  apiKey
    .command('create')
    .description('make a key and print it: the only time that it is shown')
    .requiredOption('--tenant <id>', 'whose tenders the carrier answers', validBy(tenantIdSchema))
    .requiredOption('--carrier-id <id>', 'the carrier', validBy(nameSchema))
    .requiredOption('--name <name>', 'what people call the key', validBy(nameSchema))
    .action(({ tenant, carrierId, name }: KeyFlags) =>
      withApiKeys(variables, async (keys) => {
        const made = await keys.create({ tenantId: tenant, carrierId, name, by: operator() });
        console.error(
          `Key ${apiKeyId(made.document._id)} "${name}" of carrier ${carrierId}; it is not shown again:`,
        );
        console.log(made.apiKey);
      }),
    );

  apiKey
    .command('list')
    .description("list a tenant's keys, newest first; the keys themselves are not kept")
    .requiredOption('--tenant <id>', 'the tenant', validBy(tenantIdSchema))
    .option('--carrier-id <id>', 'of this carrier alone', validBy(nameSchema))
    .action(({ tenant, carrierId }: Pick<KeyFlags, 'tenant'> & Partial<KeyFlags>) =>
      withApiKeys(variables, async (keys) => {
        for (const key of await keys.list(tenant, carrierId)) console.log(lineOf(key));
      }),
    );

  apiKey
    .command('revoke')
    .description('end a key; a running gateway refuses it within seconds')
    .requiredOption('--tenant <id>', 'the tenant', validBy(tenantIdSchema))
    .requiredOption('--name <name>', 'what people call the key', validBy(nameSchema))
    .action(({ tenant, name }: Omit<KeyFlags, 'carrierId'>) =>
      withApiKeys(variables, async (keys) => {
        console.log(lineOf(await keys.revoke({ tenantId: tenant, name, by: operator() })));
      }),
    );
}

/** Opens the keys where the gateway keeps them, for one piece of work. */
async function withApiKeys(variables: Variables, work: (keys: ApiKeys) => Promise<void>): Promise<void> {
  const settings = readSettings(variables);
  const log = openLog({ level: settings.logLevel === 'info' ? 'warn' : settings.logLevel, pretty: true });
  const mongo = await openMongo(mongoSettingsOf(settings), log, { share: true });
  try {
    await work(await openApiKeys(mongo.client, mongo.db));
  } finally {
    await mongo.close();
  }
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
