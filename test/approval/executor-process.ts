import { pino } from 'pino';
import { startApprovals } from '../../src/approval/executor.ts';
import { openStore } from '../../src/eventstore/open-store.ts';
import { model } from '../../src/model.ts';
import { createClient } from '../../src/mongo/client.ts';
import { slowAction } from './slow-action.ts';

// A process that does what is approved and never comes to its end: a test kills it in the middle.
const [, , uri = '', database = ''] = process.argv;
const client = createClient(uri);
const store = await openStore({ client, db: client.db(database), log: pino({ level: 'silent' }), ...model });
const forever = () => new Promise<void>(() => undefined);
startApprovals(store, { actions: [slowAction(forever)], lookMs: 20, leaseMs: 1_000 });
