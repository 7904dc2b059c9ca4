#!/usr/bin/env node
import { fileURLToPath } from 'node:url';
import { runProgram } from './cli/program.ts';

process.exitCode = await runProgram({
  args: process.argv.slice(2),
  variables: process.env,
  stdout: process.stdout,
  stderr: process.stderr,
  console,
  signals: process,
  program: fileURLToPath(import.meta.url),
  exitCode: 0,
});
