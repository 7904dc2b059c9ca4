import type { Command } from 'commander';
import { StartupError } from '../../mongo/startup-error.ts';
import { proofVerifiers } from '../../process/log-proof.ts';
import { readSettings } from '../../process/settings.ts';
import type { CliContext } from '../context.ts';

const EPILOG = `
Give the line to whoever is to check proofs, by a way that nobody who can write to the database controls. Its form is that of
signed notes (c2sp.org/signed-note).`;

/** Adds `waybill proof-key`. */
export function addProofKeyCommand(program: Command, { variables, console }: CliContext): void {
  program
    .command('proof-key')
    .description('print the public key by which the log is sealed, and those from before')
    .addHelpText('after', EPILOG)
    .action(() => {
      const verifiers = proofVerifiers(readSettings(variables));
      if (verifiers.length === 0)
        throw new StartupError(
          'There is no key: set WAYBILL_PROOF_KEY or, with the own mongod, start a gateway on this data folder first.',
        );
      for (const { text } of verifiers) console.log(text);
    });
}
