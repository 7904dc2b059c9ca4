import { openLog } from '../../src/process/log.ts';
import type { Variables } from '../../src/process/setting.ts';
import { readSettings } from '../../src/process/settings.ts';
import { openWaybill } from '../../src/waybill.ts';
import { serveParent } from './server-process.ts';

// The gateway as `waybill start` opens it, projector, feed and timer included.
serveParent((message) =>
  openWaybill(readSettings(message as Variables), openLog({ level: 'warn', pretty: false })),
);
