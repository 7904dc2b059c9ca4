import type { SeededRandom } from '../../client/seeded-random.ts';
import { openTimesSeries, type Times } from '../../client/times.ts';
import type { BoundingBox } from '../../vehicle/position.ts';
import { boxOf, isIn, type MovingVehicle } from '../data/fleet.ts';
import type { GatewayProcess } from '../process/gateway.ts';
import { count, type DrillReport } from '../report.ts';
import { until } from '../until.ts';
import { openSubscribedSocket, openSubscribedSockets, type SubscribedSocket } from './socket.ts';

/** Screens of dispatchers, each showing a part of the map. */
export interface Maps {
  /** From a fix's acknowledgement to the frame that brings it, for each screen that shows it, since this was called last. */
  takeTimes(): Times;
  /** Waits until each screen shows what was sent last from its part of the map, and reports those that do not. */
  settle(): Promise<void>;
  cut(): void;
}

/** How long a screen may take to show the last fix. */
const LIMIT_MS = 30_000;
/** Between two looks at all of them: that is work. */
const LOOK_MS = 100;

const POSITIONS = `subscription ($filter: VehicleFilter, $maxPerSecond: Float) {
  vehicleChanges(filter: $filter, maxPerSecond: $maxPerSecond) {
    __typename
    ... on VehiclesSnapshot { complete vehicles { ...Marker } }
    ... on VehiclesMoved { vehicles { ...Marker } }
    ... on VehiclesLeft { ids }
  }
}
fragment Marker on Vehicle {
  id licensePlate state position { longitude latitude occurredAt speedMps headingDeg }
}`;

/** An item as the gateway sends it. */
interface Item {
  readonly payload?: {
    readonly data?: {
      readonly vehicleChanges: {
        readonly vehicles?: readonly {
          readonly id: string;
          readonly position: { readonly occurredAt: string };
        }[];
        readonly ids?: readonly string[];
      };
    };
  };
}

interface Screen {
  readonly box: BoundingBox;
  /** The vehicles that it shows, with the time of the position that it shows, in ms. */
  readonly shown: Map<string, number>;
}

export interface MapsPlan {
  readonly gateway: GatewayProcess;
  readonly fleet: readonly MovingVehicle[];
  readonly screens: number;
  /** The share of the vehicles that each shows, 0 to 1. */
  readonly share: number;
  readonly framesPerSecond: number;
  readonly random: SeededRandom;
  readonly report: DrillReport;
}

/** Opens them; resolves when each has its snapshot. */
export async function openMaps(plan: MapsPlan): Promise<Maps> {
  const { fleet, report, random } = plan;
  const vehicles = new Map(fleet.map((vehicle) => [vehicle.id, vehicle]));
  const times = openTimesSeries();
  let ending = false;
  const { url, token } = plan.gateway;

  const note = ({ shown }: Screen, message: Buffer): void => {
    const now = performance.now();
    const item = (JSON.parse(String(message)) as Item).payload?.data?.vehicleChanges;
    for (const id of item?.ids ?? []) shown.delete(id);
    for (const { id, position } of item?.vehicles ?? []) {
      const occurredAt = Date.parse(position.occurredAt);
      shown.set(id, occurredAt);
      const fix = vehicles.get(id)?.fixes.find((sent) => sent.occurredAt.getTime() === occurredAt);
      // A frame may arrive before the answer to the request that sent the fix.
      if (fix !== undefined) times.add(Math.max(0, now - (fix.acknowledgedAt ?? now)));
    }
  };
  const open = async (screen: Screen): Promise<SubscribedSocket> => {
    const variables = { filter: { within: screen.box }, maxPerSecond: plan.framesPerSecond };
    const onMessage = (message: Buffer): void => note(screen, message);
    const socket = await openSubscribedSocket({ url, token, query: POSITIONS, variables, onMessage });
    socket.closed.then((code) => {
      if (!ending) report.problem(`a map was closed with ${code}.`);
    });
    return socket;
  };

  const screens = Array.from({ length: plan.screens }, () => ({
    box: boxOf(plan.share, random),
    shown: new Map<string, number>(),
  }));
  const sockets = await openSubscribedSockets(screens, open);
  return {
    takeTimes: () => times.take(),
    async settle() {
      let wrong: readonly Screen[] = screens;
      const allRight = (): boolean => {
        wrong = wrong.filter((screen) => !isRight(screen, fleet));
        return wrong.length === 0;
      };
      if (!(await until(allRight, { limitMs: LIMIT_MS, everyMs: LOOK_MS })))
        report.problem(`${count(wrong.length)} maps show something else than what was sent last.`);
    },
    cut() {
      ending = true;
      for (const socket of sockets) socket.cut();
    },
  };
}

/** Whether it shows the vehicles that are in its box, those and no others, each as it was last. */
function isRight({ box, shown }: Screen, fleet: readonly MovingVehicle[]): boolean {
  let inside = 0;
  for (const { id, fixes } of fleet) {
    const [last] = fixes;
    if (last === undefined || !isIn(box, last)) continue;
    inside += 1;
    if (shown.get(id) !== last.occurredAt.getTime()) return false;
  }
  return inside === shown.size;
}
