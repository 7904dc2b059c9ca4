import { REGISTER_VEHICLE, TRACK_LOCATION } from './documents.ts';
import { type FanOutStage, messageOf, telling } from './fan-out-stage.ts';
import { compare, type Line, type Plan, scaled } from './measure.ts';
import { bodyOf } from './requests.ts';
import { idIn } from './stage.ts';

const SUBSCRIBERS = 1_000;
const EVENTS = 40;
const AT_LEAST = 0.3;
const MARKER = 'VehiclesMoved';

const IN_A_BOX = `subscription($within: BoundingBox!) {
  vehicleChanges(filter: { within: $within }) {
    __typename
    ... on VehiclesSnapshot { complete }
    ... on VehiclesMoved { cursor vehicles { id state position { longitude latitude occurredAt speedMps headingDeg } } }
    ... on VehiclesLeft { ids }
  }
}`;

/** All of them have Austin in it. */
function boxOf(index: number): object {
  const more = index / 10_000;
  return { within: { west: -98 - more, south: 30 - more, east: -97 + more, north: 31 + more } };
}

/** A fix of one vehicle to subscribers who each look at another box that it is in. */
export async function benchBoxes(stage: FanOutStage, plan: Plan): Promise<Line[]> {
  const { gateway, raw, writer, token } = stage;
  const events = scaled(plan, EVENTS, 4);
  const subscribers = scaled(plan, SUBSCRIBERS, 100);
  const registered = await writer.post(bodyOf(REGISTER_VEHICLE, { input: { licensePlate: 'BOX 1' } }));
  const vehicleId = idIn(registered, 'vehicle');
  let fixes = 0;
  const drive = async (): Promise<void> => {
    fixes += 1;
    const way = { longitude: -97.7431 + (fixes % 1_000) / 10_000, latitude: 30.2672 };
    const input = { vehicleId, ...way, speedMps: 13.9, headingDeg: 90, occurredAt: new Date().toISOString() };
    await writer.post(bodyOf(TRACK_LOCATION, { input }));
  };
  const subscription = { query: IN_A_BOX, token };
  const asked = { ...subscription, variables: () => boxOf(0) };
  await raw.tell({ text: await messageOf(gateway.url, asked, MARKER, drive) });

  const listen = { count: subscribers, marker: MARKER };
  const everyone = await stage.audience({ ...listen, url: raw.url });
  const variables = Array.from({ length: subscribers }, (_, index) => boxOf(index));
  const maps = await stage.audience({ ...listen, url: gateway.url, subscription, variables });
  try {
    return await compare(
      telling(
        {
          name: 'raw `ws.send` of one text, by CPU time',
          audience: everyone,
          subscribers,
          server: raw,
          send: raw.broadcast,
        },
        events,
        1,
      ),
      [
        {
          ...telling(
            {
              name: `one fix to ${subscribers.toLocaleString('en')} subscribers with different boxes`,
              audience: maps,
              subscribers,
              server: gateway,
              send: drive,
            },
            events,
            1,
          ),
          atLeast: AT_LEAST,
        },
      ],
      plan,
    );
  } finally {
    await everyone.close();
    await maps.close();
  }
}
