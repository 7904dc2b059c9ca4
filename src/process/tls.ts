import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import type { Logger } from 'pino';
import type { TlsFiles, TlsSource } from '../gateway/tls.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { StartupError } from '../mongo/startup-error.ts';
import { watchFiles } from './watch-files.ts';

/** Whether a client may come without a certificate. */
export const CLIENT_CERTIFICATES = ['optional', 'required'] as const;

/** What the settings say about TLS: paths of files in PEM, and what they are asked for. */
export interface TlsSettings {
  readonly tlsCertificate: string | undefined;
  readonly tlsKey: string | undefined;
  readonly tlsKeyPassphrase: string | undefined;
  readonly tlsClientCa: string | undefined;
  readonly tlsClientCertificate: (typeof CLIENT_CERTIFICATES)[number];
  readonly serviceAccounts: string | undefined;
}

/** What TLS needs around it. */
interface TlsSurroundings {
  readonly log: Logger;
  readonly metrics: Pick<Metrics, 'tlsReloads' | 'tlsCertificateEnd'>;
  readonly onClose: (close: () => Promise<void>) => void;
}

/** A certificate that ends sooner is warned of when it is read, in ms. */
const SOON_MS = 14 * 86_400_000;
const OTHERS_MAY_READ = 0o004;

/** @throws StartupError where the settings of TLS do not go together */
export function checkTls(settings: TlsSettings): void {
  const { tlsCertificate, tlsKey, tlsClientCa, tlsClientCertificate, serviceAccounts } = settings;
  if ((tlsCertificate === undefined) !== (tlsKey === undefined))
    throw new StartupError(
      'WAYBILL_TLS_CERTIFICATE_FILE and WAYBILL_TLS_KEY_FILE go together: set both, or none.',
    );
  if (tlsClientCa !== undefined && tlsCertificate === undefined)
    throw new StartupError(
      'WAYBILL_TLS_CLIENT_CA_FILE asks clients for certificates, which needs TLS: set WAYBILL_TLS_CERTIFICATE_FILE and WAYBILL_TLS_KEY_FILE.',
    );
  if (tlsClientCa !== undefined) return;
  if (tlsClientCertificate === 'required' || serviceAccounts !== undefined)
    throw new StartupError(
      `${serviceAccounts === undefined ? 'WAYBILL_TLS_CLIENT_CERTIFICATE=required' : 'WAYBILL_SERVICE_ACCOUNTS_FILE'} needs WAYBILL_TLS_CLIENT_CA_FILE, which says whose certificates count.`,
    );
}

/**
 * What lines are secured with, read anew when a file changes: new connections get the new certificate, those that are open
 * go on. Files that cannot be used then leave all as it was, and the log says why.
 * @returns undefined where no certificate is set, and lines are plain
 * @throws StartupError, a sentence about the first file that cannot be used
 */
export function openTls(settings: TlsSettings, surroundings: TlsSurroundings): TlsSource | undefined {
  const { log, metrics, onClose } = surroundings;
  const { tlsCertificate, tlsKey, tlsKeyPassphrase, tlsClientCa } = settings;
  if (tlsCertificate === undefined || tlsKey === undefined) return undefined;
  const paths = [tlsCertificate, tlsKey, ...(tlsClientCa === undefined ? [] : [tlsClientCa])];
  const load = (): TlsFiles => {
    const files = readFiles({ tlsCertificate, tlsKey, tlsKeyPassphrase, tlsClientCa });
    tell(files, tlsKey, surroundings);
    return files;
  };
  let current = load();
  const listeners = new Set<(files: TlsFiles) => void>();
  const stop = watchFiles(paths, () => {
    try {
      current = load();
      for (const listener of listeners) listener(current);
      metrics.tlsReloads.inc({ outcome: 'taken' });
      log.info('the TLS certificate was read anew');
    } catch (error) {
      metrics.tlsReloads.inc({ outcome: 'refused' });
      log.error({ err: error }, 'changed files of TLS cannot be used; those of before stay in use');
    }
  });
  onClose(async () => stop());
  return {
    files: () => current,
    clientCertificate: tlsClientCa === undefined ? 'none' : settings.tlsClientCertificate,
    onChange: (listener) => void listeners.add(listener),
    onRefused: (why) => log.info({ why }, 'a client certificate was refused'),
  };
}

/** Says what an operator should know of files that can be used. */
function tell({ cert }: TlsFiles, keyPath: string, { log, metrics }: TlsSurroundings): void {
  const end = new X509Certificate(cert).validTo;
  metrics.tlsCertificateEnd.set(Date.parse(end) / 1_000);
  const leftMs = Date.parse(end) - Date.now();
  if (leftMs < SOON_MS)
    log.warn({ end }, leftMs < 0 ? 'the TLS certificate has expired' : 'the TLS certificate expires soon');
  if (process.platform !== 'win32' && (statSync(keyPath).mode & OTHERS_MAY_READ) !== 0)
    log.warn({ path: keyPath }, 'every user of this machine may read the TLS key');
}

type Paths = { readonly tlsCertificate: string; readonly tlsKey: string } & Pick<
  TlsSettings,
  'tlsKeyPassphrase' | 'tlsClientCa'
>;

function readFiles({ tlsCertificate, tlsKey, tlsKeyPassphrase, tlsClientCa }: Paths): TlsFiles {
  const cert = read('WAYBILL_TLS_CERTIFICATE_FILE', tlsCertificate);
  const key = read('WAYBILL_TLS_KEY_FILE', tlsKey);
  const certificate = certificateIn('WAYBILL_TLS_CERTIFICATE_FILE', tlsCertificate, cert);
  const passphrase = tlsKeyPassphrase === undefined ? {} : { passphrase: tlsKeyPassphrase };
  let fits: boolean;
  try {
    fits = certificate.checkPrivateKey(createPrivateKey({ key, format: 'pem', ...passphrase }));
  } catch (error) {
    throw new StartupError(
      `WAYBILL_TLS_KEY_FILE names ${tlsKey}, which ${keyFault(error, tlsKeyPassphrase)}.`,
    );
  }
  if (!fits)
    throw new StartupError(
      `The key in ${tlsKey} (WAYBILL_TLS_KEY_FILE) is not that of the certificate in ${tlsCertificate} (WAYBILL_TLS_CERTIFICATE_FILE).`,
    );
  const files: TlsFiles = {
    cert,
    key,
    ...passphrase,
    ...(tlsClientCa === undefined ? {} : { ca: authorities(tlsClientCa) }),
  };
  try {
    createSecureContext(files);
  } catch (error) {
    throw new StartupError(`TLS cannot be set up with ${tlsCertificate} and ${tlsKey}: ${messageOf(error)}.`);
  }
  return files;
}

function authorities(path: string): string {
  const ca = read('WAYBILL_TLS_CLIENT_CA_FILE', path);
  certificateIn('WAYBILL_TLS_CLIENT_CA_FILE', path, ca);
  return ca;
}

/** The first certificate of a file. */
function certificateIn(variable: string, path: string, pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch {
    throw new StartupError(`${variable} names ${path}, which holds no certificate in PEM.`);
  }
}

function keyFault(error: unknown, passphrase: string | undefined): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'ERR_MISSING_PASSPHRASE' || /interrupted or cancelled/.test(messageOf(error)))
    return 'is encrypted: set WAYBILL_TLS_KEY_PASSPHRASE';
  if (passphrase !== undefined && /bad decrypt|BAD_DECRYPT/i.test(messageOf(error)))
    return 'WAYBILL_TLS_KEY_PASSPHRASE does not open';
  return 'holds no private key in PEM';
}

function read(variable: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    const what =
      why === 'EACCES'
        ? 'which this user may not read'
        : why === 'ENOENT'
          ? 'but there is no such file'
          : `which cannot be read (${why})`;
    throw new StartupError(`${variable} names ${path}, ${what}.`);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
