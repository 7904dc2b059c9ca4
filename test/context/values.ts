import { hash, randomBytes } from 'node:crypto';
import { v4 } from 'uuid';
import { commandHash, newId } from '../../src/eventstore/ids.ts';

/**
 * What only this context has: the ids, moments and digests of its golden events, and the id of its ready-made requests
 * but for the last two digits.
 */
export function ownValues(name: string, now: Date): Record<string, string> {
  const values: Record<string, string> = {
    aggregateId: newId(),
    gatewayId: newId(),
    requestsId: `01990000-0000-7000-8000-${hash('sha256', name, 'hex').slice(0, 10)}`,
  };
  for (const [event, agoMs] of [
    ['registered', 60_000],
    ['renamed', 0],
  ] as const) {
    values[`${event}Id`] = v4();
    values[`${event}At`] = new Date(now.getTime() - agoMs).toISOString();
    values[`${event}TraceId`] = randomBytes(16).toString('hex');
    values[`${event}CorrelationId`] = v4();
    values[`${event}CommandHash`] = commandHash(event, 'd.okafor', { name });
  }
  return values;
}
