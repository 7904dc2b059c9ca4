import type { Mongo } from '../../src/mongo/mongo.ts';
import { AMEND_TENDER, CREATE_TENDER, OFFER_TENDER, TENDER_CHANGES } from './documents.ts';
import { benchBoxes } from './fan-out-boxes.ts';
import { type FanOutStage, messageOf, openFanOutStage, telling } from './fan-out-stage.ts';
import { compare, type Findings, type Line, type Plan, scaled } from './measure.ts';
import { bodyOf } from './requests.ts';
import { idIn } from './stage.ts';

const SUBSCRIBERS = 1_000;
const EVENTS = 40;
/** As they come when there is much to tell: those that come together leave together. */
const AT_ONCE = 10;
const AT_LEAST = 0.75;
const MARKER = 'TenderUpdated';

/** One event to many subscribers, beside `ws.send` of the same text to as many sockets. */
export async function benchFanOut(
  mongo: Mongo,
  database: string,
  plan: Plan,
  profileDir?: string,
): Promise<Findings> {
  const stage = await openFanOutStage(mongo, database, profileDir);
  try {
    return { lines: [...(await benchEqual(stage, plan)), ...(await benchBoxes(stage, plan))] };
  } finally {
    await stage.close();
  }
}

/** Subscribers who ask for the same in the same words, of the gateway and of what Yoga's documentation comes to. */
async function benchEqual(stage: FanOutStage, plan: Plan): Promise<Line[]> {
  const { gateway, raw, stock, writer, token } = stage;
  const events = scaled(plan, EVENTS, AT_ONCE);
  const subscribers = scaled(plan, SUBSCRIBERS, 100);
  const tenderId = await offeredTender(stage);
  let weightKg = 0;
  const amend = async (): Promise<void> => {
    weightKg += 1;
    const answer = await writer.post(bodyOf(AMEND_TENDER, { input: { tenderId, weightKg } }));
    if (!answer.includes('TenderPayload')) throw new Error(`Not amended: ${answer}`);
  };
  const subscription = { query: TENDER_CHANGES, token };
  const text = await messageOf(gateway.url, subscription, MARKER, amend);
  await raw.tell({ text });
  const event = JSON.parse(text).payload.data.tenderChanges;

  const listen = { count: subscribers, marker: MARKER };
  const audiences = {
    raw: await stage.audience({ ...listen, url: raw.url }),
    gateway: await stage.audience({ ...listen, url: gateway.url, subscription }),
    stock: await stage.audience({
      ...listen,
      url: stock.url,
      subscription: { ...subscription, begins: null },
    }),
  };
  await stock.tell({ subscribers });
  const equals = `${subscribers.toLocaleString('en')} equal subscribers`;
  const name = `one event to ${equals}`;
  const toAll = { audience: audiences.gateway, subscribers, server: gateway, send: amend };
  const ways = [
    telling(
      {
        name: 'raw `ws.send` of one text, by CPU time',
        audience: audiences.raw,
        subscribers,
        server: raw,
        send: raw.broadcast,
      },
      events,
      AT_ONCE,
    ),
    telling({ ...toAll, name }, events, 1),
    telling({ ...toAll, name: `${AT_ONCE} events at once to ${equals}` }, events, AT_ONCE),
    telling(
      {
        name: `${name}, Yoga with graphql-ws`,
        audience: audiences.stock,
        subscribers,
        server: stock,
        send: () => stock.tell({ event }),
      },
      events,
      AT_ONCE,
    ),
  ] as const;
  try {
    const [limit, alone, together, usual] = ways;
    return await compare(limit, [{ ...alone, atLeast: AT_LEAST }, together, usual], plan);
  } finally {
    for (const audience of Object.values(audiences)) await audience.close();
  }
}

async function offeredTender({ writer }: FanOutStage): Promise<string> {
  const stops = [
    { kind: 'PICKUP', name: 'Austin', longitude: -97.7431, latitude: 30.2672 },
    { kind: 'DELIVERY', name: 'Dallas', longitude: -96.797, latitude: 32.7767 },
  ];
  const tenderId = idIn(await writer.post(bodyOf(CREATE_TENDER, { input: { stops } })), 'tender');
  const expiresAt = new Date(Date.now() + 86_400_000).toISOString();
  for (const carrierId of ['blue', 'green', 'red'])
    await writer.post(bodyOf(OFFER_TENDER, { input: { tenderId, carrierId, expiresAt } }));
  return tenderId;
}
