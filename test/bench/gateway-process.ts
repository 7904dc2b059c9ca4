import { openLog } from '../../src/log.ts';
import type { Variables } from '../../src/setting.ts';
import { readSettings } from '../../src/settings.ts';
import { openWaybill } from '../../src/waybill.ts';
import { serveParent } from './server-process.ts';

// The gateway as `waybill start` opens it, projector, feed and timer included.
serveParent((message) =>
  openWaybill(readSettings(message as Variables), openLog({ level: 'warn', pretty: false })),
);
