import { createRequire } from 'node:module';
import { ReadConcernLevel, ReadPreferenceMode } from 'mongodb';
import { pino } from 'pino';
import { describe, expect, inject, it } from 'vitest';
import { createClient } from '../../src/mongo/client.ts';
import { openMongo } from '../../src/mongo/mongo.ts';
import { StartupError } from '../../src/mongo/startup-error.ts';
import { checkUriOptions, URI_OPTIONS } from '../../src/mongo/uri-options.ts';

/** The driver's own list. It is not exported by name, and is what a new version of the driver would add to. */
const { OPTIONS } = createRequire(import.meta.url)('mongodb/lib/connection_string.js') as { OPTIONS: object };

/** Of code or of TLS sockets: a text in a URI can never be one. */
const NO_TEXT =
  /^(auth|autoEncryption|autoSelect.*|serverApi|dbName|driverInfo|family|minInternalBufferSize|name|noDelay|readConcern|writeConcern|runtimeAdapters|servername|srvAllowedHostsSuffix|srvHostValidator|mongodbLog.*|connectionType|srvPoller|allowPartialTrustChain|minDHSize|pskCallback|secureContext|enableTrace|requestCert|rejectUnauthorized|checkServerIdentity|keepAliveInitialDelay|ALPNProtocols|SNICallback|session|requestOCSP|localAddress|localPort|hints|lookup|ca|cert|ciphers|crl|ecdhCurve|key|passphrase|pfx|secureProtocol|index|__skip.*|enableOverloadRetargeting|maxAdaptiveRetries)$/;

function said(uri: string): string {
  try {
    checkUriOptions(uri);
  } catch (error) {
    expect(error).toBeInstanceOf(StartupError);
    return error instanceof Error ? error.message : '';
  }
  return '';
}

const SET = Object.entries(URI_OPTIONS).filter(([, { kind }]) => kind === 'set');
const REFUSED = Object.entries(URI_OPTIONS).filter(([, { kind }]) => kind === 'refused');
const BOUNDED = Object.entries(URI_OPTIONS).flatMap(([name, option]) =>
  option.kind === 'taken' && option.least !== undefined && option.most !== undefined
    ? [[name, option.least, option.most] as const]
    : [],
);

describe('every option that the driver knows', () => {
  it.each(Object.keys(OPTIONS).filter((name) => !NO_TEXT.test(name)))(
    'has been decided about: %s',
    (name) => {
      expect(URI_OPTIONS).toHaveProperty(name);
    },
  );

  it.each(Object.keys(OPTIONS).filter((name) => NO_TEXT.test(name)))(
    'is refused by its name where no URI should have it: %s',
    (name) => {
      expect(said(`mongodb://a/?${name}=1`)).toMatch(
        new RegExp(`^MONGODB_URI has the option ${name}: .*leave it out\\.$`),
      );
    },
  );
});

describe('an option that weakens what Waybill promises', () => {
  const weaker: Readonly<Record<string, readonly string[]>> = {
    readConcernLevel: Object.values(ReadConcernLevel).filter((level) => level !== 'majority'),
    readPreference: Object.values(ReadPreferenceMode).filter((mode) => mode !== 'primary'),
    readPreferenceTags: ['dc:ny'],
    maxStalenessSeconds: ['120'],
    w: ['0', '1', '2', 'some'],
    wtimeoutMS: ['1', '99999'],
    wtimeout: ['1'],
    journal: ['false'],
    j: ['false'],
    fsync: ['false'],
    retryWrites: ['false'],
    retryReads: ['false'],
  };

  it('is among those that are tried here', () => {
    expect(Object.keys(weaker).sort()).toEqual(SET.map(([name]) => name).sort());
  });

  it.each(
    Object.entries(weaker).flatMap(([name, values]) =>
      values.flatMap((value) => [
        [name, value] as const,
        [name.toLowerCase(), value] as const,
        [name, encodeURIComponent(value)] as const,
      ]),
    ),
  )('changes nothing, and is named: %s=%s', async (name, value) => {
    const uri = `mongodb://127.0.0.1:1/?${name}=${value}&appName=mine`;
    const { overridden } = checkUriOptions(uri);
    expect(overridden).toHaveLength(1);
    expect(overridden[0]?.toLowerCase()).toContain(`mongodb_uri: ${name.toLowerCase()} is `);
    const client = createClient(uri);
    expect(client.options).toMatchObject({
      appName: 'mine',
      retryWrites: true,
      retryReads: true,
      readConcern: { level: 'majority' },
      writeConcern: { w: 'majority', journal: true, wtimeoutMS: 10_000 },
    });
    expect(client.options.readPreference).toMatchObject({ mode: 'primary' });
    expect(client.options.readPreference.maxStalenessSeconds).toBeUndefined();
    await client.close();
  });

  it('is not worth a word where it says what Waybill does anyway', () => {
    const uri =
      'mongodb+srv://u:p@c.example/?retryWrites=true&w=majority&readPreference=primary&journal=true&readConcernLevel=majority&retryReads=true&maxStalenessSeconds=-1';
    expect(checkUriOptions(uri)).toMatchObject({ uri: 'mongodb+srv://u:p@c.example/', overridden: [] });
  });

  it('is logged once when MongoDB is connected to, which goes on', async () => {
    const lines: string[] = [];
    const log = pino({ level: 'warn' }, { write: (line) => void lines.push(line) });
    const uri = `${inject('mongoUri')}&readConcernLevel=snapshot&readPreference=secondary`;
    const mongo = await openMongo({ uri, dataDir: 'unused', databaseName: 'some' }, log);
    expect(lines).toHaveLength(2);
    expect(lines[0]).toContain('readConcernLevel is always majority here');
    expect(await mongo.db.collection('any').countDocuments()).toBe(0);
    await mongo.close();
  });
});

describe('an option with which Waybill cannot work', () => {
  it.each(REFUSED.map(([name]) => name))('keeps it from starting, by its name: %s', (name) => {
    for (const spelled of [name, name.toUpperCase()])
      expect(said(`mongodb://u:hunter2@a/?appName=x&${spelled}=true`)).toMatch(
        new RegExp(`^MONGODB_URI has the option ${name}: .*\\.$`),
      );
  });

  it('keeps it from starting where nobody knows it', () => {
    expect(said('mongodb://u:hunter2@a/?colour=red')).toBe(
      'MONGODB_URI has the option colour: Waybill does not know it: leave it out.',
    );
  });

  it('is a sentence at the start, without a password in it', async () => {
    const uri = 'mongodb://u:hunter2@127.0.0.1:1/?timeoutMS=100';
    const opening = openMongo({ uri, dataDir: 'unused', databaseName: 'some' }, pino({ level: 'silent' }));
    await expect(opening).rejects.toThrow(StartupError);
    await expect(opening).rejects.toThrow(/timeoutMS: .*set socketTimeoutMS instead\.$/);
    await expect(opening).rejects.not.toThrow('hunter2');
  });
});

describe('an option with a number', () => {
  it.each(BOUNDED)('is taken from %s = %i to %i, and refused beyond', async (name, least, most) => {
    for (const value of [least, most]) {
      const client = createClient(`mongodb://127.0.0.1:1/?${name}=${value}`);
      expect(client.options).toHaveProperty(name, value);
      await client.close();
    }
    for (const value of [0, least - 1, most + 1, -1, 'ten', '', '1e3'])
      expect(said(`mongodb://a/?${name}=${value}`)).toMatch(
        new RegExp(`^MONGODB_URI: ${name} must be a whole number from ${least} to ${most} \\(.+\\)\\.$`),
      );
  });
});
