import { createServer as createPlainServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { TLSSocket } from 'node:tls';

/** What lines are secured with, in PEM. */
export interface TlsFiles {
  /** The server's certificate, and those between it and an authority that clients know. */
  readonly cert: string;
  readonly key: string;
  readonly passphrase?: string;
  /** Authorities whose clients' certificates count. */
  readonly ca?: string;
}

/** Where that comes from; it may change while the server runs. */
export interface TlsSource {
  files(): TlsFiles;
  /** Whether clients are asked for a certificate, and let in without one. */
  readonly clientCertificate: 'none' | 'optional' | 'required';
  onChange(listener: (files: TlsFiles) => void): void;
  /** Told why a client's certificate was not good. */
  onRefused(why: string): void;
}

/** How long a client may take to agree on TLS, in ms: nobody is known before. */
const HANDSHAKE_MS = 10_000;

/** How long a request may take to come, its headers and all of it, in ms: what it is to hold is held for as long. */
const PATIENCE = { headersTimeout: 10_000, requestTimeout: 30_000, connectionsCheckingInterval: 2_000 };

/** Makes a server of HTTP, over TLS where there is something to secure it with; that may change later. */
export function createLines(tls: TlsSource | undefined, answer: RequestListener): Server {
  if (tls === undefined) return createPlainServer(PATIENCE, answer);
  const { clientCertificate } = tls;
  const terms = {
    minVersion: 'TLSv1.2',
    handshakeTimeout: HANDSHAKE_MS,
    requestCert: clientCertificate !== 'none',
    rejectUnauthorized: clientCertificate === 'required',
  } as const;
  const server = createTlsServer({ ...PATIENCE, ...tls.files(), ...terms }, answer);
  server.on('secureConnection', (line) => refuseForged(line, tls));
  // Requests that have come are answered with what they came by.
  tls.onChange((files) => server.setSecureContext({ ...files, minVersion: terms.minVersion }));
  return server;
}

/** Who shows a certificate must show a good one, also where none is needed: else the line is cut. */
function refuseForged(line: TLSSocket, tls: TlsSource): void {
  if (tls.clientCertificate === 'none' || line.authorized || line.getPeerX509Certificate() === undefined)
    return;
  tls.onRefused(String(line.authorizationError));
  line.destroy();
}
