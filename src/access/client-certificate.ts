import { createHash } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';

/** The certificate that a client showed, and proved to have the key of, when its connection was secured. */
export interface ClientCertificate {
  /** The SHA-256 of the certificate, in base64url: `x5t#S256` (RFC 8705, section 3.1). */
  readonly thumbprint: string;
  /** What it stands for besides: `DNS:edi.acme.example`, `URI:spiffe://acme/edi`, `email:…`. */
  readonly names: readonly string[];
  readonly validTo: Date;
}

/** Once a connection, which may carry many requests. */
const known = new WeakMap<TLSSocket, ClientCertificate | null>();

/**
 * The certificate of a connection's client; undefined for a plain connection, one without a certificate, and one whose
 * certificate is of no authority that counts here, or was out of date.
 */
export function certificateOf(line: Duplex): ClientCertificate | undefined {
  if (!(line instanceof TLSSocket)) return undefined;
  let certificate = known.get(line);
  if (certificate === undefined) {
    certificate = read(line);
    known.set(line, certificate);
  }
  return certificate === null || certificate.validTo.getTime() <= Date.now() ? undefined : certificate;
}

function read(line: TLSSocket): ClientCertificate | null {
  const shown = line.authorized ? line.getPeerX509Certificate() : undefined;
  if (shown === undefined) return null;
  return {
    thumbprint: createHash('sha256').update(shown.raw).digest('base64url'),
    names: namesIn(shown.subjectAltName ?? ''),
    validTo: new Date(shown.validTo),
  };
}

/**
 * The alternative names of a certificate. One that holds a comma or a quote stands in quotes, with them: it can be taken for
 * no other.
 */
function namesIn(text: string): string[] {
  return [...text.matchAll(/(?:[^,"]|"(?:[^"\\]|\\.)*")+/g)].map(([name]) => name.trim());
}
