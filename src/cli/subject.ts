import type { Command } from 'commander';
import { nameSchema, tenantIdSchema } from '../access/claims.ts';
import { openSubjects, type RevokedSubject, type Subjects } from '../access/subjects.ts';
import { operator } from '../process/operator.ts';
import { validBy } from './argument.ts';
import { withDatabase } from './command-store.ts';
import type { CliContext } from './context.ts';

const EPILOG = `
Every token of the subject that was signed until now is refused, by each gateway within seconds; its sockets and event streams
end. Whoever signs tokens must sign no more for it: one that is signed later, by more than 5 seconds, is good again. A token
without the claim iat counts as signed before.`;

/** Adds `waybill subject revoke | list`. */
export function addSubjectCommand(program: Command, context: CliContext): void {
  const subject = program
    .command('subject')
    .description('revoke the tokens of a person, a device or a service');

  subject
    .command('revoke')
    .description('end every token of a subject that was signed until now')
    .requiredOption('--tenant <id>', 'whose data the subject works on', validBy(tenantIdSchema))
    .requiredOption('--sub <name>', 'the claim sub of its tokens', validBy(nameSchema))
    .addHelpText('after', EPILOG)
    .action(({ tenant, sub }: { readonly tenant: string; readonly sub: string }) =>
      withSubjects(context, async (subjects) => {
        context.console.log(lineOf(await subjects.revoke({ tenantId: tenant, sub, by: operator() })));
      }),
    );

  subject
    .command('list')
    .description("list a tenant's revoked subjects, the latest first")
    .requiredOption('--tenant <id>', 'the tenant', validBy(tenantIdSchema))
    .action(({ tenant }: { readonly tenant: string }) =>
      withSubjects(context, async (subjects) => {
        for (const revoked of await subjects.list(tenant)) context.console.log(lineOf(revoked));
      }),
    );
}

function withSubjects(context: CliContext, work: (subjects: Subjects) => Promise<void>): Promise<void> {
  return withDatabase(context, async ({ client, db }) => work(await openSubjects(client, db)));
}

/** One subject a line, its fields between tabs. */
function lineOf({ sub, revokedAt, revokedBy }: RevokedSubject): string {
  return [sub, `revoked ${revokedAt.toISOString()} by ${revokedBy.id}`].join('\t');
}
