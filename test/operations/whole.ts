import { pino } from 'pino';
import { signToken } from '../../src/access/token.ts';
import { readSettings } from '../../src/process/settings.ts';
import { openWaybill } from '../../src/waybill.ts';
import { openDatabase, type TestDatabase } from '../database.ts';
import type { Who } from '../gateway.ts';

const SECRET = 'the-secret-of-tests-is-at-least-32-bytes-long';

/** Waybill as `npm start` opens it, on a database of its own. */
export interface Whole {
  /** `http://127.0.0.1:…`, without a path. */
  readonly origin: string;
  /** The GraphQL endpoint. */
  readonly url: string;
  readonly database: TestDatabase;
  token(who?: Who): Promise<string>;
  close(): Promise<void>;
}

export async function openWhole(): Promise<Whole> {
  const database = await openDatabase();
  const settings = readSettings({
    PORT: '0',
    MONGODB_URI: database.uri,
    WAYBILL_DATABASE: database.db.databaseName,
    WAYBILL_JWT_SECRET: SECRET,
    WAYBILL_DRAIN_SECONDS: '1',
  });
  const waybill = await openWaybill(settings, pino({ level: 'silent' }));
  return {
    origin: new URL(waybill.url).origin,
    url: waybill.url,
    database,
    token: ({ tenant = 'demo', role = 'dispatcher', sub = 'tester', carrierId } = {}) =>
      signToken(
        { kind: 'secret', secret: SECRET },
        { tenant, role, sub, ...(carrierId === undefined ? {} : { carrierId }) },
        600,
      ),
    close: async () => {
      await waybill.close();
      await database.close();
    },
  };
}
