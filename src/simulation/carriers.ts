import type { SeededRandom } from '../client/seeded-random.ts';
import { RefusedError, type SeenTender } from './dispatch-commands.ts';
import type { World } from './world.ts';

const CARRIERS = ['acme-freight', 'blue-line', 'coastal-haulage', 'delta-trucking', 'eagle-express'];
const DECLINES = [
  'DRIVER_NOT_AVAILABLE',
  'TRACTOR_NOT_AVAILABLE',
  'INSUFFICIENT_PICKUP_TIME',
  'RATE_TOO_LOW',
];
/** How long an offer stands, in seconds of the simulation; on the clock never less than MIN_OFFER_MS. */
const OFFER_SECONDS = 60;
const MIN_OFFER_MS = 3_000;
const MAX_ROUNDS = 3;

/**
 * Offers a tender to several carriers at once, again at a better rate where all of them say no or nothing.
 * @returns whether one of them takes it
 */
export async function findCarrier(
  world: World,
  random: SeededRandom,
  tenderId: string,
  rate: number,
): Promise<boolean> {
  for (let round = 1; round <= MAX_ROUNDS; round += 1) {
    const wait = Math.max(MIN_OFFER_MS, world.realMs(OFFER_SECONDS));
    const expiresAt = new Date(Date.now() + wait).toISOString();
    const asked = CARRIERS.filter(() => random.chance(0.5));
    for (const carrierId of asked.length > 0 ? asked : CARRIERS.slice(0, 1)) {
      const terms = { tenderId, carrierId, rate: usd(rate * (1 + round / 10)), expiresAt };
      const tender = await world.commands.send('offerTender', terms);
      const offer = tender.offers.find((sent) => sent.carrierId === carrierId && sent.status === 'SENT');
      if (offer !== undefined && (await answerInTime(world, random, tenderId, offer.id, rate))) return true;
    }
    if ((await settled(world, tenderId)).status !== 'EXHAUSTED') return true;
  }
  return false;
}

/** On a slow machine an answer may come after the offer's end; then there is none. */
async function answerInTime(...offer: Parameters<typeof answer>): Promise<boolean> {
  try {
    return await answer(...offer);
  } catch (error) {
    if (error instanceof RefusedError && /^OFFER_(EXPIRED|ENDED)$/.test(error.code)) return false;
    throw error;
  }
}

/** A carrier's answer, by chance; true where it takes the load. */
async function answer(
  world: World,
  random: SeededRandom,
  tenderId: string,
  offerId: string,
  rate: number,
): Promise<boolean> {
  const { commands } = world;
  const [mind, agrees, reasonCode] = [random.between(0, 1), random.chance(0.6), random.pick(DECLINES)];
  await world.pause(random.between(2, 10));
  if (mind < 0.45) {
    await commands.send('acceptTender', { tenderId, offerId });
    return true;
  }
  if (mind < 0.65) await commands.send('declineTender', { tenderId, offerId, reasonCode });
  else if (mind < 0.85) {
    await commands.send('counterTender', { tenderId, offerId, rate: usd(rate * 1.2) });
    await world.pause(random.between(2, 6));
    await commands.send('answerCounter', { tenderId, offerId, accepted: agrees });
    return agrees;
  }
  return false; // It says nothing, and the offer lapses.
}

/** Waits until no offer can be answered any more. */
async function settled(world: World, tenderId: string): Promise<SeenTender> {
  for (;;) {
    const tender = await world.commands.see(tenderId);
    if (tender.status !== 'OFFERED') return tender;
    await world.pause(4);
  }
}

/** A rate as the API takes it. */
export function usd(amount: number) {
  return { amount: amount.toFixed(2), currency: 'USD' };
}
