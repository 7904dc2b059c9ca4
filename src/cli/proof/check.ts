import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { BSON } from 'mongodb';
import { KeyError, type Verifier, verifierOf } from '../../eventstore/proof/keys.ts';
import { checkProof } from '../../eventstore/proof/offline.ts';
import { StartupError } from '../../mongo/startup-error.ts';
import { proofVerifiers } from '../../process/log-proof.ts';
import { readSettings } from '../../process/settings.ts';
import type { CliContext } from '../context.ts';

const EPILOG = `
The file is the answer of auditProof, as it came. Nothing is asked of a gateway or a database. The event is printed as
MongoDB's Extended JSON.

Exit code 0: the event is what was sealed. 1: it could not be found out. 2: the proof does not hold.`;

/** Adds `waybill proof`. */
export function addProofCommand(program: Command, context: CliContext): void {
  program
    .command('proof')
    .description('check a proof that an event is in the log, without a gateway')
    .argument('<file>', 'the answer of auditProof')
    .option(
      '--key <line>',
      'the public key, as `waybill proof-key` prints it (default: that of the settings)',
    )
    .addHelpText('after', EPILOG)
    .action(async (file: string, { key }: { readonly key?: string }) => {
      const { variables, console } = context;
      const text = await readFile(file, 'utf8').catch((error: unknown) => {
        throw new StartupError(`${file} cannot be read: ${error instanceof Error ? error.message : error}`);
      });
      const verifiers = key === undefined ? proofVerifiers(readSettings(variables)) : [givenKey(key)];
      if (verifiers.length === 0)
        throw new StartupError('There is no key to check it by: give one by --key.');
      const verdict = checkProof(text, verifiers);
      if (!verdict.ok) {
        console.log(`not proven: ${verdict.why}`);
        context.exitCode = 2;
        return;
      }
      const { tenantId, segment, sealedAt } = verdict.checkpoint;
      console.log(BSON.EJSON.stringify(verdict.event));
      console.log(
        `proven: event ${verdict.event._id}, sealed in segment ${segment} of ${tenantId} at ${sealedAt.toISOString()}`,
      );
    });
}

function givenKey(key: string): Verifier {
  try {
    return verifierOf(key);
  } catch (error) {
    if (error instanceof KeyError) throw new StartupError(`--key ${error.message}.`);
    throw error;
  }
}
