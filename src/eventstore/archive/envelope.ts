import { z } from 'zod';
import { ROLES } from '../event.ts';
import { uuidText } from '../payload.ts';
import { parseMoment } from './json-value.ts';

const moment = z.string().transform((text, context) => {
  const date = parseMoment(text);
  if (date !== undefined) return date;
  context.addIssue({ code: 'custom', message: 'is not a moment like 2026-01-05T08:00:00.000Z' });
  return z.NEVER;
});

const short = z.string().min(1).max(1_000);

/** All of an event but its payload. The format fixes its fields; metadata may come to have more, which are kept. */
export const envelope = z.strictObject({
  eventId: uuidText,
  tenantId: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/, 'is no tenant'),
  aggregateType: short,
  aggregateId: uuidText,
  sequence: z.int().min(1),
  type: short,
  version: z.int().min(1),
  payload: z.unknown(),
  reasonCode: short.optional(),
  actor: z.strictObject({ id: short, role: z.enum(ROLES) }),
  occurredAt: moment,
  recordedAt: moment,
  metadata: z.looseObject({
    origin: short,
    producerId: short,
    traceId: short.optional(),
    correlationId: short,
    causationId: short.optional(),
    commandHash: short,
    commandNulls: z.string().max(1_000).optional(),
    commandSize: z.int().min(2).optional(),
  }),
});
