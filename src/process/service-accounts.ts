import { readFileSync } from 'node:fs';
import type { Logger } from 'pino';
import type { Authentication } from '../access/authenticate.ts';
import type { ClientCertificate } from '../access/client-certificate.ts';
import { accountOf, readServiceAccounts, type ServiceAccounts } from '../access/service-accounts.ts';
import { StartupError } from '../mongo/startup-error.ts';
import { watchFiles } from './watch-files.ts';

/**
 * The service accounts of a file, read anew when it changes. A file that cannot be used then leaves those of before, and the log
 * says why.
 * @throws StartupError, a sentence about what is wrong with the file
 */
export function openServiceAccounts(
  path: string,
  { log, onClose }: { readonly log: Logger; readonly onClose: (close: () => Promise<void>) => void },
): (certificate: ClientCertificate) => Authentication {
  let accounts: ServiceAccounts = load(path);
  const stop = watchFiles([path], () => {
    try {
      accounts = load(path);
      log.info({ accounts: accounts.size }, 'service accounts were read anew');
    } catch (error) {
      log.error({ err: error }, 'changed service accounts cannot be used; those of before stay');
    }
  });
  onClose(async () => stop());
  return (certificate) => accountOf(accounts, certificate);
}

function load(path: string): ServiceAccounts {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new StartupError(`WAYBILL_SERVICE_ACCOUNTS_FILE names ${path}, which cannot be read (${why}).`);
  }
  try {
    return readServiceAccounts(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new StartupError(`WAYBILL_SERVICE_ACCOUNTS_FILE names ${path}, which cannot be used: ${why}.`);
  }
}
