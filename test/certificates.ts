import { createSign, generateKeyPairSync, type KeyObject, randomBytes, X509Certificate } from 'node:crypto';

/** A certificate and its key, in PEM. */
export interface Certified {
  readonly cert: string;
  readonly key: string;
  /** `x5t#S256` */
  readonly thumbprint: string;
}

/** One whose certificate others' certificates are signed with. */
export interface Authority extends Certified {
  /** @param names `DNS:…`, `URI:…`, `email:…`, or `IP:127.0.0.1` */
  certify(name: string, names?: readonly string[], validMs?: number): Certified;
}

// As much of X.509 (RFC 5280) as it takes, in DER: tests make their certificates themselves, since kept ones would expire.

const LONG_MS = 365 * 86_400_000;

const der = (tag: number, ...parts: Uint8Array[]): Buffer => {
  const body = Buffer.concat(parts);
  const size = body.length;
  const head = size < 128 ? [size] : size < 256 ? [0x81, size] : [0x82, size >> 8, size & 255];
  return Buffer.concat([Buffer.from([tag, ...head]), body]);
};
const sequence = (...parts: Uint8Array[]): Buffer => der(0x30, ...parts);
const text = (tag: number, value: string): Buffer => der(tag, Buffer.from(value));
const bits = (value: Uint8Array): Buffer => der(0x03, Buffer.from([0]), value);

function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const base128 = (value: number): number[] =>
    value < 128 ? [value] : [...base128(value >> 7).map((byte) => byte | 128), value & 127];
  return der(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

const ECDSA_SHA256 = sequence(oid('1.2.840.10045.4.3.2'));
const named = (name: string): Buffer => sequence(der(0x31, sequence(oid('2.5.4.3'), text(0x0c, name))));
const time = (at: number): Buffer =>
  text(0x18, `${new Date(at).toISOString().slice(0, 19).replace(/[-T:]/g, '')}Z`);

function alternative(name: string): Buffer {
  const [kind = '', ...rest] = name.split(':');
  const value = rest.join(':');
  if (kind === 'IP') return der(0x87, Buffer.from(value.split('.').map(Number)));
  return text({ email: 0x81, DNS: 0x82, URI: 0x86 }[kind] ?? 0x82, value);
}

function extensions(isAuthority: boolean, names: readonly string[]): Buffer {
  const list = [
    sequence(
      oid('2.5.29.19'),
      der(0x01, Buffer.from([255])),
      der(0x04, sequence(...(isAuthority ? [der(0x01, Buffer.from([255]))] : []))),
    ),
    ...(names.length === 0
      ? []
      : [sequence(oid('2.5.29.17'), der(0x04, sequence(...names.map(alternative))))]),
  ];
  return der(0xa3, sequence(...list));
}

interface Wanted {
  readonly name: string;
  readonly names: readonly string[];
  readonly isAuthority: boolean;
  readonly validMs: number;
}

function sign({ name, names, isAuthority, validMs }: Wanted, issuer?: { name: string; key: KeyObject }) {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const signer = issuer ?? { name, key: privateKey };
  const now = Date.now();
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    ECDSA_SHA256,
    named(signer.name),
    sequence(time(now - 3_600_000), time(now + validMs)),
    named(name),
    publicKey.export({ type: 'spki', format: 'der' }),
    extensions(isAuthority, names),
  );
  const certificate = new X509Certificate(
    sequence(body, ECDSA_SHA256, bits(createSign('sha256').update(body).sign(signer.key))),
  );
  return {
    cert: certificate.toString(),
    key: String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
    thumbprint: Buffer.from(certificate.fingerprint256.replaceAll(':', ''), 'hex').toString('base64url'),
    privateKey,
  };
}

/** Makes an authority that signs itself. */
export function makeAuthority(name: string): Authority {
  const { privateKey: key, ...own } = sign({ name, names: [], isAuthority: true, validMs: LONG_MS });
  return {
    ...own,
    certify: (wanted, names = [], validMs = LONG_MS) => {
      const { privateKey: _, ...made } = sign(
        { name: wanted, names, isAuthority: false, validMs },
        { name, key },
      );
      return made;
    },
  };
}

/** A service account of a carrier, for those who show a certificate like this. */
export const account = (certificate: object) => ({
  sub: 'acme-edi',
  tenant: 'demo',
  role: 'carrier',
  carrierId: 'acme',
  certificate,
});
