import type { Command } from 'commander';
import { nameSchema, tenantIdSchema } from '../../access/claims.ts';
import { noteAdminAction } from '../../eventstore/admin-actions.ts';
import { StartupError } from '../../mongo/startup-error.ts';
import { type Erased, type ErasureGround, eraseSubject } from '../../personal/erase.ts';
import { openPersonal } from '../../personal/personal.ts';
import { countExpired, eraseExpired } from '../../personal/retain.ts';
import { rotateKeys } from '../../personal/rotate.ts';
import { operator } from '../../process/operator.ts';
import { keyServiceOf, ledgerOf } from '../../process/personal.ts';
import { readSettings } from '../../process/settings.ts';
import { validBy } from '../argument.ts';
import { withStore } from '../command-store.ts';
import type { CliContext } from '../context.ts';
import { wholeBetween } from '../number-option.ts';
import { printable } from '../printable.ts';

interface EraseFlags {
  readonly tenant: string;
  readonly subject: string;
  readonly reason: string;
}

const ERASE_EPILOG = `
The key of the person is destroyed: nobody can read any more what was recorded of it, here, in the oplog, in exports, or in
a restored backup. Events and rows stay as they are, and everything else with them. It cannot be undone.

Exit code 0: erased, and no clear text is left. 2: erased, and the places that are named hold the same text; it may be
another person's.`;

/** Adds `waybill erase` and `waybill personal find | retain | rotate`. */
export function addPersonalCommands(program: Command, context: CliContext): void {
  program
    .command('erase')
    .description('erase what was recorded of a person, by destroying its key')
    .requiredOption('--tenant <id>', 'whose person it is', validBy(tenantIdSchema))
    .requiredOption(
      '--subject <id>',
      "the person in the tenant's own words: a driver's number",
      validBy(nameSchema),
    )
    .requiredOption('--reason <text>', 'why; goes into the log', validBy(nameSchema))
    .addHelpText('after', ERASE_EPILOG)
    .action((flags: EraseFlags) => withPersonal(context, (ground) => erase(context, ground, flags)));

  const personal = program.command('personal').description('look people up, keep to the policy, rotate keys');
  personal
    .command('find')
    .description('say by which names payloads call those of whom a text was recorded')
    .requiredOption('--tenant <id>', 'the tenant', validBy(tenantIdSchema))
    .requiredOption('--field <name>', 'name or phone', validBy(nameSchema))
    .requiredOption('--text <text>', 'the name, or the number', validBy(nameSchema))
    .action(({ tenant, field, text }: { tenant: string; field: string; text: string }) =>
      withPersonal(context, async ({ personal: people, store }) => {
        for (const subject of await people.find(tenant, field, text)) context.console.log(subject);
        // Who looked, not for whom: that would be personal, too.
        await noteAdminAction(store.db, {
          who: operator(),
          what: 'subject looked up',
          tenantId: tenant,
          details: { field },
        });
      }),
    );
  personal
    .command('retain')
    .description('erase those of whom nothing was recorded for long')
    .requiredOption('--days <number>', 'for how long', wholeBetween(1, 36_500))
    .option('--tenant <id>', 'of this tenant alone', validBy(tenantIdSchema))
    .option('--dry-run', 'count them only')
    .action(({ days, tenant, dryRun }: { days: number; tenant?: string; dryRun?: boolean }) =>
      withPersonal(context, async (ground) => {
        const policy = { days, ...(tenant === undefined ? {} : { tenantId: tenant }) };
        const isDry = dryRun === true;
        const count = isDry
          ? await countExpired(ground, policy)
          : await eraseExpired(ground, policy, operator());
        context.console.log(
          `${count} ${count === 1 ? 'person' : 'people'} ${isDry ? 'to be erased' : 'erased'}`,
        );
      }),
    );
  personal
    .command('rotate')
    .description("give a tenant a new key that wraps its people's keys; no event is touched")
    .requiredOption('--tenant <id>', 'the tenant', validBy(tenantIdSchema))
    .action(({ tenant }: { tenant: string }) =>
      withPersonal(context, async ({ store, personal: { service } }) => {
        const count = await rotateKeys(store.db, service, tenant);
        if (count === null) throw new StartupError(`Nothing personal was recorded for tenant ${tenant}.`);
        await noteAdminAction(store.db, {
          who: operator(),
          what: 'personal keys rotated',
          tenantId: tenant,
          details: { wrapped: count },
        });
        context.console.log(`${count} keys wrapped anew`);
      }),
    );
}

function withPersonal(context: CliContext, work: (ground: ErasureGround) => Promise<void>): Promise<void> {
  const settings = readSettings(context.variables);
  return withStore(context, async (store) => {
    const personal = await openPersonal(store.db, keyServiceOf(settings));
    await work({ store, personal, ledger: ledgerOf(settings) });
  });
}

async function erase(context: CliContext, ground: ErasureGround, flags: EraseFlags): Promise<void> {
  const { tenant: tenantId, subject: name, reason } = flags;
  const subject = await ground.personal.subjectOf(tenantId, name);
  if (subject === null) throw new StartupError(`Nothing personal was recorded for tenant ${tenantId}.`);
  const erased = await eraseSubject(ground, { tenantId, subject, by: operator(), reason });
  if (erased === null)
    throw new StartupError(`Nothing personal was recorded of "${printable(name)}" of tenant ${tenantId}.`);
  for (const place of erased.places) context.console.log(`left\t${printable(place)}`);
  context.console.log(summaryOf(erased));
  if (erased.left > 0) context.exitCode = 2;
}

function summaryOf({ subject, texts, searched, left, oplog }: Erased): string {
  if (texts === 0)
    return `${subject} is erased; what was recorded of it is not known any more, so that nothing could be searched for`;
  const where = oplog ? ' and of the oplog' : '; the oplog may not be read by this user';
  return `${subject} is erased: ${texts} texts; ${left} of ${searched} documents hold the same${where}`;
}
