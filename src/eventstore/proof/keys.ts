import {
  createHash,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  sign as signBytes,
  verify as verifyBytes,
} from 'node:crypto';

// Signed notes, as Go's checksum database and the transparency logs of C2SP have them (c2sp.org/signed-note): text, an empty
// line, and lines "— name signature". Their tools check ours.

/** By which key names and lines of a note begin. */
const NAME = 'waybill';
const ED25519 = 0x01;
const KEY_BYTES = 32;
const KEY_ID_BYTES = 4;
const SIGNATURE_BYTES = 64;
const SIGNATURE = /^\u2014 (\S+) ([A-Za-z0-9+/]+={0,2})$/;

/** Signs checkpoints. */
export interface Signer {
  readonly verifier: Verifier;
  /** @param text ends with a line break */
  sign(text: string): string;
}

/** Checks what was signed. */
export interface Verifier {
  /** `name+key id+key` in one line, to be published: c2sp.org/signed-note. */
  readonly text: string;
  /** The text of a note, with its last line break; undefined where this key has not signed it. */
  open(note: string): string | undefined;
}

/** What is wrong with a key; the message goes after the name of a setting or file. */
export class KeyError extends Error {
  override readonly name = 'KeyError';
}

/** @param pem an ed25519 private key, as `openssl genpkey -algorithm ed25519` writes it @throws KeyError */
export function signerOf(pem: string): Signer {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    throw new KeyError('holds no private key in PEM; `openssl genpkey -algorithm ed25519` makes one');
  }
  if (key.asymmetricKeyType !== 'ed25519')
    throw new KeyError('holds a key of another kind; `openssl genpkey -algorithm ed25519` makes one');
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
  const raw = spki.subarray(spki.length - KEY_BYTES);
  const id = keyId(NAME, raw);
  return {
    verifier: verifierOf(`${NAME}+${id.toString('hex')}+${Buffer.of(ED25519, ...raw).toString('base64')}`),
    sign(text) {
      const signature = Buffer.concat([id, signBytes(null, Buffer.from(text), key)]);
      return `${text}\n\u2014 ${NAME} ${signature.toString('base64')}\n`;
    },
  };
}

/** @throws KeyError where the text is no verifier's */
export function verifierOf(text: string): Verifier {
  const [, name, hex, base64] = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})$/.exec(text) ?? [];
  const bytes = Buffer.from(base64 ?? '', 'base64');
  const raw = bytes.subarray(1);
  const isOurs = name !== undefined && bytes[0] === ED25519 && raw.length === KEY_BYTES;
  if (!isOurs || keyId(name, raw).toString('hex') !== hex)
    throw new KeyError('must be a line as `waybill proof-key` prints it: waybill+id+key');
  const key = createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: raw.toString('base64url') },
    format: 'jwk',
  });
  return {
    text,
    open(note) {
      const end = note.indexOf('\n\n') + 1;
      if (end === 0 || !note.endsWith('\n')) return undefined;
      const [signed, lines] = [note.slice(0, end), note.slice(end + 1, -1).split('\n')];
      const isSigned = lines.some((line) => {
        const [, by, signature] = SIGNATURE.exec(line) ?? [];
        const found = Buffer.from(signature ?? '', 'base64');
        return (
          by === name &&
          found.length === KEY_ID_BYTES + SIGNATURE_BYTES &&
          found.subarray(0, KEY_ID_BYTES).toString('hex') === hex &&
          verifyBytes(null, Buffer.from(signed), key, found.subarray(KEY_ID_BYTES))
        );
      });
      return isSigned ? signed : undefined;
    },
  };
}

function keyId(name: string, raw: Uint8Array): Buffer {
  return createHash('sha256')
    .update(`${name}\n`)
    .update(Buffer.of(ED25519))
    .update(raw)
    .digest()
    .subarray(0, KEY_ID_BYTES);
}
