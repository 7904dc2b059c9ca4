import type { Access } from '../access/access.ts';
import { type CommandPayload, give } from '../audit/command-payload.ts';
import { present } from '../eventstore/payload.ts';
import { type Context, requireAccess, stamp } from '../graphql/context.ts';
import { idOf } from '../graphql/global-id.ts';
import type { CommonInput } from '../graphql/inputs.ts';
import { isRefusal } from '../graphql/refusal.ts';
import type { Refusal } from '../refusal.ts';
import type { TenderCommand } from './command.ts';
import { type TenderRow, tendersRead } from './projection.ts';
import { tender } from './tender.ts';
import { asSeenBy, eventAsSeenBy } from './visibility.ts';

/** What is answered once a command to a tender is recorded. */
export type TenderCommandPayload = CommandPayload<TenderRow>;

interface TenderInput extends CommonInput {
  readonly tenderId: string;
}

type Stamp = ReturnType<typeof stamp>;

/** Makes a command and gives it to the tender that the input names. @returns NOT_FOUND where it names none, or what `make` refuses */
export async function giveToTender(
  context: Context,
  input: TenderInput,
  make: (base: Stamp, tenderId: string) => TenderCommand | Refusal,
): Promise<TenderCommandPayload | Refusal> {
  const tenderId = idOf(tender.type, input.tenderId, 'tenderId');
  if (isRefusal(tenderId)) return tenderId;
  const made = make(stamp(context, input), tenderId);
  return isRefusal(made) ? made : giveWithId(context, tenderId, input, made);
}

/** Gives a command to a tender, a new one for CreateTender. @returns the payload as the caller may see it, or the refusal */
export async function giveWithId(
  context: Context,
  id: string,
  input: CommonInput,
  command: TenderCommand,
): Promise<TenderCommandPayload | Refusal> {
  const payload = await give(context, tendersRead, {
    aggregate: tender,
    id,
    command,
    input,
    creates: command.type === 'CreateTender',
    ...present({ key: input.idempotencyKey }),
  });
  return isRefusal(payload) ? payload : payloadSeenBy(requireAccess(context), payload);
}

/** The payload as the caller may see it: a carrier sees no events of vehicles, and of the tender what is its own. */
function payloadSeenBy(
  access: Access,
  { row, events, repeated }: TenderCommandPayload,
): TenderCommandPayload {
  const seen = asSeenBy(access, row);
  if (seen === null) throw new Error(`Tender ${row.id} has no row for who has just written to it.`);
  const own = events.filter((event) => access.role !== 'carrier' || event.aggregateType === tender.type);
  return { row: seen, events: own.map((event) => eventAsSeenBy(access, event, row)), repeated };
}

/** The named offer as `{ offerId }`, none as `{}`. */
function offerOf(input: { readonly offerId?: string | null | undefined }): { offerId?: string } | Refusal {
  if (input.offerId === null || input.offerId === undefined) return {};
  const offerId = idOf('Offer', input.offerId, 'offerId');
  return isRefusal(offerId) ? offerId : { offerId };
}

/** As `giveToTender`, for a command about an offer. @returns NOT_FOUND for an offerId that is the id of no offer */
export function giveAboutOffer(
  context: Context,
  input: TenderInput & { readonly offerId?: string | null | undefined },
  make: (base: Stamp & { offerId?: string }) => TenderCommand,
): Promise<TenderCommandPayload | Refusal> {
  return giveToTender(context, input, (base) => {
    const offer = offerOf(input);
    return isRefusal(offer) ? offer : make({ ...base, ...offer });
  });
}
