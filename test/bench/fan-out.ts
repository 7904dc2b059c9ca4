import { AMEND_TENDER, TENDER_CHANGES } from './documents.ts';
import { openListeners } from './listeners.ts';
import { type Contender, closedLoop, compare, type Findings, type Plan, scaled } from './measure.ts';
import { bodyOf, openRequests } from './requests.ts';
import { createTenders, type Stage } from './stage.ts';

const SUBSCRIBERS = 200;
const EVENTS = 60;
const IN_FLIGHT = 4;
const EMPTY = Buffer.alloc(0);

/** One event to many subscribers of the same document, beside `ws.send` of the same text to as many sockets. */
export async function benchFanOut(stage: Stage, plan: Plan): Promise<Findings> {
  const [tenderId] = await createTenders(stage, 1);
  const events = scaled(plan, EVENTS, IN_FLIGHT);
  const { url, requests } = stage.gateway;
  const query = { query: TENDER_CHANGES, token: stage.token };
  const subscribers = await openListeners(url, SUBSCRIBERS, 'TenderUpdated', query);
  const sockets = await openListeners(stage.bare.url, SUBSCRIBERS, 'TenderUpdated');
  const broadcast = openRequests(stage.bare.url.replace(/graphql$/, 'broadcast'), stage.token);
  let weightKg = 0;
  const amend = async (): Promise<void> => {
    weightKg += 1;
    const answer = await requests.post(bodyOf(AMEND_TENDER, { input: { tenderId, weightKg } }));
    if (!answer.includes('TenderPayload')) throw new Error(`Not amended: ${answer}`);
  };
  try {
    const first = subscribers.heard(SUBSCRIBERS);
    await amend();
    await first;
    await stage.bare.tell({ text: subscribers.last() });
    const contender = (name: string, listeners: typeof sockets, send: () => Promise<unknown>): Contender => ({
      name,
      async run() {
        const heard = listeners.heard(events * SUBSCRIBERS);
        await closedLoop(events, IN_FLIGHT, send);
        await heard;
        return events * SUBSCRIBERS;
      },
    });
    const lines = await compare(
      contender('raw `ws.send` of the same text', sockets, () => broadcast.post(EMPTY)),
      [contender(`a tender's event to ${SUBSCRIBERS} subscribers, deliveries/s`, subscribers, amend)],
      plan,
    );
    return { lines };
  } finally {
    subscribers.close();
    sockets.close();
    broadcast.close();
  }
}
