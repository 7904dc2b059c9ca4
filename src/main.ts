#!/usr/bin/env node
import { Command } from 'commander';
import { ApiKeyError } from './access/api-keys.ts';
import { addApiKeyCommand } from './cli/api-key.ts';
import { addDrillCommand } from './cli/drill.ts';
import { addExportEventsCommand } from './cli/export-events.ts';
import { addImportEventsCommand } from './cli/import-events.ts';
import { addImportPositionsCommand } from './cli/import-positions.ts';
import { addRebuildCommand } from './cli/rebuild.ts';
import { addSimulateCommand } from './cli/simulate.ts';
import { addStartCommand } from './cli/start.ts';
import { addTokenCommand } from './cli/token.ts';
import { addVerifyCommand } from './cli/verify.ts';
import { OutdatedCode } from './eventstore/projection/live-generation.ts';
import { StartupError } from './mongo/startup-error.ts';
import { settingsHelp } from './process/settings.ts';

const program = new Command('waybill')
  .description('Event-sourced dispatch gateway: GraphQL in front, MongoDB behind.')
  .addHelpText('after', () => `\n${settingsHelp()}`);

addStartCommand(program, process.env);
addTokenCommand(program, process.env);
addApiKeyCommand(program, process.env);
addImportPositionsCommand(program, process.env);
addExportEventsCommand(program, process.env);
addImportEventsCommand(program, process.env);
addRebuildCommand(program, process.env);
addDrillCommand(program, process.env);
addVerifyCommand(program, process.env);
addSimulateCommand(program, process.env);

try {
  await program.parseAsync(process.argv);
} catch (error) {
  // What the operator can put right is one sentence; a stack is for what only we can.
  const expected =
    error instanceof StartupError || error instanceof ApiKeyError || error instanceof OutdatedCode;
  console.error(expected ? `waybill: ${error.message}` : error);
  process.exitCode = 1;
}
