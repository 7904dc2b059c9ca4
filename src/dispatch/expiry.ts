import type { Logger } from 'pino';
import type { Caller } from '../eventstore/aggregate.ts';
import type { Intent, Outcome } from '../eventstore/command/intent.ts';
import { rowId } from '../eventstore/projection.ts';
import type { ExpireOffers, TenderCommand } from '../tender/command.ts';
import { isLive, type Offer } from '../tender/offer.ts';
import type { TenderRow } from '../tender/projection.ts';
import type { TenderState } from '../tender/state.ts';
import { tender } from '../tender/tender.ts';

/** Who ends offers that nobody answered. */
export const OFFER_EXPIRY: Caller = { id: 'offer-expiry', role: 'system' };

/** How long a tender that only a newer version understands is left alone, in ms: that one's own timer looks after it. */
const SET_ASIDE_MS = 60_000;

/** Tenders that are set aside, by tenant and id, and until when in ms; there are only so many. */
type SetAside = Map<string, number>;
const MAX_SET_ASIDE = 10_000;

/** How often the timer looks, in ms. Meanwhile a lapsed offer cannot be accepted; it only does not show as expired yet. */
export const EXPIRY_INTERVAL_MS = 500;

/** How many tenders one look takes on; with more due, the next look follows at once. */
const MAX_TENDERS_AT_ONCE = 100;

/** What the timer needs: the tenders that are due, the way of commands, a log and a clock. */
export interface ExpiryPort {
  /** Tenders of any tenant with `nextExpiryAt` at or before `now`, longest due first. */
  due(now: Date, limit: number): Promise<readonly TenderRow[]>;
  handle(intent: Intent<TenderState, TenderCommand>): Promise<Outcome>;
  readonly log: Logger;
  /** The server's clock. */
  clock(): Date;
  readonly intervalMs?: number;
}

/** The running timer. */
export interface Expiry {
  /** No further look; resolves when the present one is done. */
  stop(): Promise<void>;
}

/**
 * Looks for offers that have lapsed and gives the command that ends them, over and over. Any number of processes may do
 * so at once: the key is made of the offer, so the first records it and the others find it done. What fails is
 * logged and tried again at the next look.
 */
export function startExpiry(port: ExpiryPort): Expiry {
  const intervalMs = port.intervalMs ?? EXPIRY_INTERVAL_MS;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<void> = Promise.resolve();
  const setAside: SetAside = new Map();
  const next = (delayMs: number): void => {
    if (stopped) return;
    timer = setTimeout(() => {
      looking = look(port, setAside).then((full) => next(full ? 0 : intervalMs));
    }, delayMs);
    timer.unref();
  };
  next(0);
  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await looking;
    },
  };
}

/** One look. @returns true when there may be more that is due; never rejects */
export async function look(port: ExpiryPort, setAside: SetAside = new Map()): Promise<boolean> {
  const { log, clock } = port;
  try {
    const now = clock();
    for (const [tender, until] of setAside) if (until <= now.getTime()) setAside.delete(tender);
    // Behind those that are set aside, which stay due, so that they hold up no other.
    const limit = MAX_TENDERS_AT_ONCE + setAside.size;
    const due = await port.due(now, limit);
    const intents = due.filter((row) => !setAside.has(row._id)).flatMap((row) => expiryOf(row, now));
    const outcomes = await Promise.allSettled(intents.map((intent) => port.handle(intent)));
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed !== undefined)
      log.error({ err: failed.reason }, 'an offer could not be expired; trying again');
    for (const [index, outcome] of outcomes.entries())
      if (isLeftToNewer(outcome) && setAside.size < MAX_SET_ASIDE)
        setAside.set(nameOf(intents[index]), now.getTime() + SET_ASIDE_MS);
    const moved = outcomes.some(
      (outcome) => outcome.status === 'fulfilled' && outcome.value.kind === 'recorded',
    );
    return due.length === limit && moved;
  } catch (error) {
    log.warn({ err: error }, 'could not look for offers that have lapsed; trying again');
    return false;
  }
}

function isLeftToNewer(outcome: PromiseSettledResult<Outcome>): boolean {
  return (
    outcome.status === 'fulfilled' &&
    outcome.value.kind === 'refused' &&
    outcome.value.refusal.code === 'NEWER_VERSION'
  );
}

function nameOf(intent: Intent<TenderState, TenderCommand> | undefined): string {
  return intent === undefined ? '' : rowId(intent.tenantId, intent.id);
}

/** The command for a tender of which an offer has lapsed; none for a row that is not due after all. */
function expiryOf(row: TenderRow, now: Date): Intent<TenderState, TenderCommand>[] {
  const first = longestDue(row.offers, now);
  if (first === undefined) return [];
  const command: ExpireOffers = { type: 'ExpireOffers', at: now, occurredAt: now, by: OFFER_EXPIRY };
  const { tenantId, id } = row;
  // An offer expires once at most, so that its id makes the key.
  const input = { offerId: first.id };
  return [{ tenantId, aggregate: tender, id, command, key: `expire:${first.id}`, input, origin: 'timer' }];
}

function longestDue(offers: readonly Offer[], now: Date): Offer | undefined {
  return offers
    .filter((offer) => isLive(offer) && offer.expiresAt.getTime() <= now.getTime())
    .sort((a, b) => a.expiresAt.getTime() - b.expiresAt.getTime())[0];
}
