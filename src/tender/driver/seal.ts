import { z } from 'zod';
import { complaintOf, present, text } from '../../eventstore/payload.ts';
import { type Context, isCarrier, requireAccess } from '../../graphql/context.ts';
import { idOf } from '../../graphql/global-id.ts';
import { isRefusal } from '../../graphql/refusal.ts';
import type { PersonPlace } from '../../personal/personal.ts';
import { type Refusal, refusal } from '../../refusal.ts';
import type { SealedDriver } from '../events.ts';
import { tender } from '../tender.ts';

/** A driver as a client tells it, in clear text. */
interface DriverInput {
  readonly id: string;
  readonly name?: string | null | undefined;
  readonly phone?: string | null | undefined;
}

interface WithDriver {
  readonly tenderId: string;
  readonly driver?: DriverInput | null | undefined;
}

/** A driver as it goes into a command, and what stands for it where the command is compared with an earlier one. */
interface Sealed {
  readonly driver?: SealedDriver;
  readonly asked: { readonly driver?: { readonly subject: string; readonly digest: string } };
}

/** A driver as it is shown. */
export interface ShownDriver {
  readonly name: string | null;
  readonly phone: string | null;
  readonly erased: boolean;
}

/** What is recorded of a driver, as the client says it. */
const told = z.object({
  id: text,
  name: z.exactOptional(text),
  phone: z.exactOptional(text.regex(/^\+?[\d\s()./-]{3,40}$/, 'must be a telephone number')),
});

/** Whose names and numbers the roles of an office and the carrier of the load need; nobody else is shown them. */
const OFFICE: ReadonlySet<string> = new Set(['dispatcher', 'admin']);

/**
 * Seals the driver that an input names, if it names one, so that only sealed texts go on from here.
 * @returns INVALID_INPUT for a malformed one, FORBIDDEN for who may not assign, SUBJECT_ERASED for one who was erased
 */
export async function sealDriver(context: Context, input: WithDriver): Promise<Sealed | Refusal> {
  if (input.driver === null || input.driver === undefined) return { asked: {} };
  // Before a key is made for whoever is named.
  if (!OFFICE.has(requireAccess(context).role)) return refusal('FORBIDDEN');
  const tenderId = idOf(tender.type, input.tenderId, 'tenderId');
  if (isRefusal(tenderId)) return tenderId;
  const read = told.safeParse(present(input.driver));
  if (!read.success) {
    const { field, message } = complaintOf(read.error);
    return refusal('INVALID_INPUT', message, `driver.${field}`);
  }
  const { id, ...texts } = read.data;
  const sealed = await context.personal.seal(id, placeOf(tenderId), present(texts));
  if (sealed === null) return refusal('SUBJECT_ERASED', undefined, 'driver.id');
  const { subject, digest } = sealed;
  return { driver: { subject, ...sealed.texts }, asked: { driver: { subject, digest } } };
}

/** A tender's driver in clear text, to those who may see it. */
export async function showDriver(
  context: Context,
  tenderId: string,
  { subject, ...texts }: SealedDriver,
): Promise<ShownDriver> {
  const access = requireAccess(context);
  const hidden = { name: null, phone: null, erased: false };
  if (!OFFICE.has(access.role) && !isCarrier(access)) return hidden;
  const revealed = await context.personal.reveal(placeOf(tenderId), { subject, texts: present(texts) });
  if (revealed.kind !== 'clear') return { ...hidden, erased: revealed.kind === 'erased' };
  const { name = null, phone = null } = revealed.texts;
  return { name, phone, erased: false };
}

function placeOf(tenderId: string): PersonPlace {
  return { event: 'TenderAssigned', stream: tenderId, path: 'driver' };
}
