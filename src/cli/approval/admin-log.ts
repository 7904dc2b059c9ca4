import type { Command } from 'commander';
import { tenantIdSchema } from '../../access/claims.ts';
import { type AdminAction, readAdminActions } from '../../eventstore/admin-actions.ts';
import { validBy } from '../argument.ts';
import { withDatabase } from '../command-store.ts';
import type { CliContext } from '../context.ts';
import { wholeBetween } from '../number-option.ts';
import { printable } from '../printable.ts';

interface Flags {
  readonly tenant?: string;
  readonly what?: string;
  readonly limit: number;
}

/** Adds `waybill admin-log`. */
export function addAdminLogCommand(program: Command, context: CliContext): void {
  program
    .command('admin-log')
    .description(
      'show what was done to keys, approvals, the log and read models: who, what, before and after',
    )
    .option('--tenant <id>', 'of this tenant alone', validBy(tenantIdSchema))
    .option('--what <name>', 'only actions of this name: `api-key created` …')
    .option('--limit <count>', 'at most so many, the latest', wholeBetween(1, 10_000), 100)
    .action(({ tenant: tenantId, what, limit }: Flags) =>
      withDatabase(context, async ({ db }) => {
        for (const action of await readAdminActions(db, { tenantId, what, limit }))
          context.console.log(lineOf(action));
      }),
    );
}

/** One action a line, its fields between tabs; the latest comes first. */
function lineOf({ at, who, what, tenantId, before, after, details }: AdminAction): string {
  const said = {
    ...(before === undefined ? {} : { before }),
    ...(after === undefined ? {} : { after }),
    details,
  };
  return [at.toISOString(), who.id, what, tenantId ?? '-', JSON.stringify(said)]
    .map((field) => printable(field, 4_000))
    .join('\t');
}
