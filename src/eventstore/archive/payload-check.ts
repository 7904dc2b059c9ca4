import type { EventDefinition } from '../event.ts';
import { complaintOf } from '../payload.ts';

/** What is wrong with a payload. Fields that the schema does not know are kept: the log is copied, not edited. */
export function payloadComplaint(
  definition: EventDefinition,
  payload: unknown,
  reasonCode: string | undefined,
): string | undefined {
  if (reasonCode !== undefined && !definition.reasonCodes?.includes(reasonCode))
    return `${reasonCode} is no reason for ${definition.type}.`;
  const checked = definition.payload.safeParse(payload);
  if (!checked.success) {
    const { field, message } = complaintOf(checked.error, 'payload');
    return field === '' ? message : `payload.${message}`;
  }
  const changed = changedField(checked.data, payload);
  return changed === undefined ? undefined : `payload${changed} is not as a log has it (blanks around it?).`;
}

/** A field that the schema would have changed before the event was recorded: no log has such a value. */
function changedField(parsed: unknown, given: unknown): string | undefined {
  if (typeof parsed !== 'object' || parsed === null || parsed instanceof Date)
    return Object.is(parsed, given) || parsed instanceof Date ? undefined : '';
  if (typeof given !== 'object' || given === null) return '';
  for (const [name, field] of Object.entries(parsed)) {
    const changed = changedField(field, Reflect.get(given, name));
    if (changed !== undefined) return `.${name}${changed}`;
  }
  return undefined;
}
