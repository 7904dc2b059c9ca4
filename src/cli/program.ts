import { Command, CommanderError } from 'commander';
import { ApiKeyError } from '../access/api-keys.ts';
import { IndexesMissing } from '../eventstore/indexes.ts';
import { NewerVersion } from '../eventstore/newer.ts';
import { StartupError } from '../mongo/startup-error.ts';
import { KeyServiceError } from '../personal/key-service.ts';
import { LedgerError } from '../personal/ledger.ts';
import { settingsHelp } from '../process/help.ts';
import { addApiKeyCommand } from './api-key.ts';
import { addAdminLogCommand } from './approval/admin-log.ts';
import { addApprovalCommand } from './approval/approval.ts';
import type { CliContext, Output } from './context.ts';
import { addDrillCommand } from './drill.ts';
import { addExportEventsCommand } from './export-events.ts';
import { addImportEventsCommand } from './import-events.ts';
import { addImportPositionsCommand } from './import-positions.ts';
import { addPersonalCommands } from './personal/commands.ts';
import { printableLines } from './printable.ts';
import { addProofCommand } from './proof/check.ts';
import { addProofKeyCommand } from './proof/key.ts';
import { addRebuildCommand } from './rebuild/rebuild.ts';
import { addRolesCommand } from './roles.ts';
import { addSimulateCommand } from './simulate.ts';
import { addStartCommand } from './start.ts';
import { addSubjectCommand } from './subject.ts';
import { addTokenCommand } from './token.ts';
import { addVerifyCommand } from './verify.ts';

/**
 * Runs `waybill` with the arguments of its context. Whatever goes wrong is said on standard error: in one sentence where
 * the operator can put it right, with a stack where it is a bug.
 * @returns the exit code
 */
export async function runProgram(context: CliContext): Promise<number> {
  try {
    await programOf(context).parseAsync(context.args, { from: 'user' });
    return context.exitCode;
  } catch (error) {
    // Help was shown, or the arguments were wrong: what there is to say is said.
    if (error instanceof CommanderError) return error.exitCode;
    const expected =
      error instanceof StartupError ||
      error instanceof ApiKeyError ||
      error instanceof NewerVersion ||
      error instanceof IndexesMissing ||
      error instanceof KeyServiceError ||
      error instanceof LedgerError;
    context.console.error(expected ? `waybill: ${printableLines(error.message)}` : error);
    return 1;
  }
}

function programOf(context: CliContext): Command {
  const program = new Command('waybill')
    .description('Event-sourced dispatch gateway: GraphQL in front, MongoDB behind.')
    .addHelpText('after', () => `\n${settingsHelp()}`)
    // Before commands are added: they inherit both.
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
      getOutHelpWidth: () => widthOf(context.stdout),
      getErrHelpWidth: () => widthOf(context.stderr),
    });
  addStartCommand(program, context);
  addTokenCommand(program, context);
  addApiKeyCommand(program, context);
  addApprovalCommand(program, context);
  addAdminLogCommand(program, context);
  addSubjectCommand(program, context);
  addImportPositionsCommand(program, context);
  addExportEventsCommand(program, context);
  addImportEventsCommand(program, context);
  addRebuildCommand(program, context);
  addDrillCommand(program, context);
  addVerifyCommand(program, context);
  addProofCommand(program, context);
  addProofKeyCommand(program, context);
  addRolesCommand(program, context);
  addPersonalCommands(program, context);
  addSimulateCommand(program, context);
  return program;
}

/** 80 where there is no terminal: commander's default. */
function widthOf({ isTTY, columns }: Output): number {
  return isTTY === true && columns !== undefined ? columns : 80;
}
