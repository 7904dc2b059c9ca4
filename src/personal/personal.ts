/**
 * Personal data: what is about a person is encrypted before anything is stored, under a key of that person alone, and
 * decrypted only where it is shown. To erase a person is to destroy the key.
 *
 * - cipher.ts: how a text is sealed for its place. The edge seals it (as time and ids, it comes with the command), so that
 *   decisions, the log, rows, snapshots, the feed and exports have sealed texts alone.
 * - key-service.ts (with vault-key-service.ts) wraps the keys of tenants (tenant-keys.ts), which wrap those of
 *   data subjects (subject-keys.ts); rotate.ts makes new ones.
 * - personal.ts: what the edge asks for, with a memory of keys.
 * - erase.ts: erasure, with ledger.ts (what a restore must not bring back), sweep.ts (the proof), subject.ts (what the log
 *   says of it); retain.ts: those whose time is over.
 */
import { randomBytes } from 'node:crypto';
import { type Db, UUID } from 'mongodb';
import { isDuplicateKey } from '../eventstore/faults.ts';
import { createIndexes } from '../eventstore/indexes.ts';
import { KEY_BYTES, keyedHash, type SealedPlace, seal, unseal } from './cipher.ts';
import type { KeyService } from './key-service.ts';
import { MAX_HASHES, SUBJECT_KEY_INDEXES, type SubjectKeyDocument, subjectKeysOf } from './subject-keys.ts';
import { openTenantKeys, readTenantKeys, type TenantKeys } from './tenant-keys.ts';

/** Texts about a person, by the name of their field. */
export type Texts = Readonly<Record<string, string>>;

/** Where in an event a person stands. */
export interface PersonPlace extends Pick<SealedPlace, 'event' | 'stream'> {
  /** Where in the payload the object is that has the subject and the sealed texts: `driver`. */
  readonly path: string;
}

/** What is recorded of a person. */
export interface SealedPerson {
  /** Whom it is about; says nothing to those who have not the tenant's keys. A UUID in text form. */
  readonly subject: string;
  readonly texts: Texts;
  /** Stands for the texts where it is asked whether a command is the same as before. */
  readonly digest: string;
}

/** What can be shown of a person. */
export type Revealed =
  | { readonly kind: 'clear'; readonly texts: Texts }
  /** The key was destroyed. */
  | { readonly kind: 'erased' }
  /** There never was a key here: the event came from another database. */
  | { readonly kind: 'no key' };

/** Personal data of all tenants. */
export interface Personal {
  readonly db: Db;
  readonly service: KeyService;
  /**
   * Seals texts about a person for a place; makes the person's key at the first time.
   * @param name the person in the tenant's own words: a driver's number, say
   * @returns null where that person was erased: nothing is recorded of it any more
   */
  seal(tenantId: string, name: string, place: PersonPlace, texts: Texts): Promise<SealedPerson | null>;
  reveal(
    tenantId: string,
    place: PersonPlace,
    person: Pick<SealedPerson, 'subject' | 'texts'>,
  ): Promise<Revealed>;
  /** Whom a text was recorded of: subjects as payloads name them. */
  find(tenantId: string, field: string, text: string): Promise<readonly string[]>;
  /** The person as payloads name it; null for a tenant of which nothing personal was recorded. */
  subjectOf(tenantId: string, name: string): Promise<string | null>;
  /** Forgets the key of a subject, in this process. */
  forget(subject: string): void;
}

/** How long a key is used without asking whether it was destroyed, in ms: after an erasure other processes show clear text no longer. */
export const KEY_MEMORY_MS = 5_000;
/** The same for the keys of a tenant. */
const TENANT_MEMORY_MS = 60_000;
/** How many keys are kept in memory: a few hundred bytes each. */
const KEYS_IN_MEMORY = 10_000;

interface Remembered {
  readonly key: Buffer | null;
  readonly erased: boolean;
  readonly hashes: ReadonlySet<string>;
  readonly usedOn: number;
  readonly until: number;
}

/** Opens it on a database, and makes the indexes that it lacks. */
export async function openPersonal(db: Db, service: KeyService): Promise<Personal> {
  await createIndexes(subjectKeysOf(db), SUBJECT_KEY_INDEXES);
  return new OpenPersonal(db, service);
}

class OpenPersonal implements Personal {
  readonly db: Db;
  readonly service: KeyService;
  readonly #tenants = new Map<string, { readonly keys: Promise<TenantKeys>; readonly until: number }>();
  readonly #subjects = new Map<string, Promise<Remembered>>();

  constructor(db: Db, service: KeyService) {
    this.db = db;
    this.service = service;
  }

  async seal(tenantId: string, name: string, place: PersonPlace, texts: Texts) {
    const tenant = await this.#tenant(tenantId);
    const subject = subjectId(tenant, name);
    const known = await this.#subject(tenantId, subject, true);
    if (known.key === null) return null;
    const { key } = known;
    const hashes = Object.entries(texts).map(([field, text]) => hashOf(tenant, field, text));
    await this.#noteUse(subject, known, hashes);
    return {
      subject,
      texts: mapped(texts, (text, field) => seal(key, sealedPlace(tenantId, place, subject, field), text)),
      digest: keyedHash(key, 'digest', JSON.stringify(Object.entries(texts).sort())).toString('base64url'),
    };
  }

  async reveal(
    tenantId: string,
    place: PersonPlace,
    { subject, texts }: Pick<SealedPerson, 'subject' | 'texts'>,
  ): Promise<Revealed> {
    const { key, erased } = await this.#subject(tenantId, subject, false);
    if (key === null) return { kind: erased ? 'erased' : 'no key' };
    return {
      kind: 'clear',
      texts: mapped(texts, (text, field) => unseal(key, sealedPlace(tenantId, place, subject, field), text)),
    };
  }

  async find(tenantId: string, field: string, text: string) {
    const tenant = await readTenantKeys(this.db, this.service, tenantId);
    if (tenant === null) return [];
    const hashes = hashOf(tenant, field, text);
    const found = await subjectKeysOf(this.db).find({ tenantId, hashes }).limit(1_000).toArray();
    return found.map(({ _id }) => _id);
  }

  async subjectOf(tenantId: string, name: string) {
    const tenant = await readTenantKeys(this.db, this.service, tenantId);
    return tenant === null ? null : subjectId(tenant, name);
  }

  forget(subject: string): void {
    this.#subjects.delete(subject);
  }

  #tenant(tenantId: string): Promise<TenantKeys> {
    const known = this.#tenants.get(tenantId);
    if (known !== undefined && known.until > performance.now()) return known.keys;
    const keys = openTenantKeys(this.db, this.service, tenantId);
    this.#tenants.set(tenantId, { keys, until: performance.now() + TENANT_MEMORY_MS });
    keys.catch(() => this.#tenants.delete(tenantId));
    return keys;
  }

  /** What is known of a subject's key: asked once for all who want it, and again after a while. */
  async #subject(tenantId: string, subject: string, make: boolean): Promise<Remembered> {
    const known = await this.#subjects.get(subject);
    if (known !== undefined && known.until > performance.now() && (known.key !== null || known.erased))
      return known;
    const asked = this.#load(tenantId, subject, make);
    this.#subjects.delete(subject);
    this.#subjects.set(subject, asked);
    asked.catch(() => this.#subjects.delete(subject));
    const [oldest] = this.#subjects.keys();
    if (this.#subjects.size > KEYS_IN_MEMORY && oldest !== undefined) this.#subjects.delete(oldest);
    return asked;
  }

  async #load(tenantId: string, subject: string, make: boolean): Promise<Remembered> {
    const found = await subjectKeysOf(this.db).findOne({ _id: subject, tenantId });
    const document = found ?? (make ? await this.#make(tenantId, subject) : null);
    const until = performance.now() + KEY_MEMORY_MS;
    const { hashes = [], usedOn, erasedAt, by, wrapped } = document ?? {};
    const about = { hashes: new Set(hashes), usedOn: usedOn?.getTime() ?? 0, until };
    if (by === undefined || wrapped === undefined)
      return { ...about, key: null, erased: erasedAt !== undefined };
    const kept = { by, wrapped };
    const key =
      (await this.#tenant(tenantId)).unwrap(subject, kept) ?? (await this.#rotated(tenantId, subject, kept));
    return { ...about, key, erased: false };
  }

  /** The tenant's keys were rotated since they were read. */
  async #rotated(
    tenantId: string,
    subject: string,
    kept: { readonly by: string; readonly wrapped: string },
  ): Promise<Buffer> {
    this.#tenants.delete(tenantId);
    const key = (await this.#tenant(tenantId)).unwrap(subject, kept);
    if (key === null) throw new Error(`The key of subject ${subject} is wrapped by one that is gone.`);
    return key;
  }

  async #make(tenantId: string, subject: string): Promise<SubjectKeyDocument | null> {
    const kept = (await this.#tenant(tenantId)).wrap(subject, randomBytes(KEY_BYTES));
    try {
      await subjectKeysOf(this.db).insertOne({ _id: subject, tenantId, ...kept, usedOn: today() });
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
    }
    return subjectKeysOf(this.db).findOne({ _id: subject, tenantId });
  }

  /** Notes the day, and what the subject can be found by: a write for what is new, and none for what is noted. */
  async #noteUse(subject: string, known: Remembered, hashes: readonly string[]): Promise<void> {
    const fresh = hashes.filter((hash) => !known.hashes.has(hash));
    const usedOn = today();
    if (fresh.length === 0 && known.usedOn >= usedOn.getTime()) return;
    await subjectKeysOf(this.db).updateOne(
      { _id: subject, wrapped: { $exists: true } },
      {
        $max: { usedOn },
        ...(fresh.length === 0 ? {} : { $push: { hashes: { $each: fresh, $slice: -MAX_HASHES } } }),
      },
    );
    const noted = { ...known, usedOn: usedOn.getTime(), hashes: new Set([...known.hashes, ...fresh]) };
    if (this.#subjects.has(subject)) this.#subjects.set(subject, Promise.resolve(noted));
  }
}

/** A person as payloads name it: a keyed hash of the tenant's own name, as a UUID (RFC 9562, version 8). */
function subjectId({ index }: TenantKeys, name: string): string {
  const bytes = keyedHash(index, 'subject', name).subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return new UUID(bytes).toString();
}

/** By tenant and field; letters alike, and of what is written in digits the digits and letters alone. */
function hashOf({ index }: TenantKeys, field: string, text: string): string {
  const folded = text.normalize('NFKC').toLowerCase();
  const same = /\d{4}/.test(folded.replace(/[^\p{L}\p{N}]/gu, ''))
    ? folded.replace(/[^\p{L}\p{N}]/gu, '')
    : folded.trim();
  return keyedHash(index, 'look-up', field, same).toString('base64url');
}

function sealedPlace(
  tenantId: string,
  { event, stream, path }: PersonPlace,
  subject: string,
  field: string,
): SealedPlace {
  return { tenantId, event, stream, field: `${path}.${field}`, subject };
}

function mapped(texts: Texts, to: (text: string, field: string) => string): Texts {
  return Object.fromEntries(Object.entries(texts).map(([field, text]) => [field, to(text, field)]));
}

function today(): Date {
  return new Date(Math.floor(Date.now() / 86_400_000) * 86_400_000);
}
