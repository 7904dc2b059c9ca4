import { setTimeout as pause } from 'node:timers/promises';
import { inFlight } from '../../client/in-flight.ts';
import type { SeededRandom } from '../../client/seeded-random.ts';
import { openTimes, type Times } from '../../client/times.ts';
import { type Box, boxOf, isIn, type MovingVehicle } from '../data/fleet.ts';
import type { GatewayProcess } from '../process/gateway.ts';
import { count, type DrillReport } from '../report.ts';
import { openSubscribedSocket } from './socket.ts';

/** Screens, each with a part of the map. */
export interface Maps {
  /** From a fix's acknowledgement to the frame that tells of it, for each screen that shows it, since this was asked last. */
  takeTimes(): Times;
  /** Waits until each screen shows just what was sent last from where it looks, and names those that do not. */
  settle(): Promise<void>;
  cut(): void;
}

const OPENED_AT_ONCE = 20;
/** How long a screen may take to show the last fix. */
const PATIENCE_MS = 30_000;
const LOOK_MS = 100;

const WATCH = `subscription ($filter: VehicleFilter, $maxPerSecond: Float) {
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
  readonly box: Box;
  /** What it shows: when each vehicle was where it shows it. */
  readonly shown: Map<string, number>;
}

export interface MapsPlan {
  readonly gateway: GatewayProcess;
  readonly fleet: readonly MovingVehicle[];
  readonly screens: number;
  /** How many of the vehicles each shows, of 1. */
  readonly share: number;
  readonly framesPerSecond: number;
  readonly random: SeededRandom;
  readonly report: DrillReport;
}

/** Opens them; each has its snapshot then. */
export async function openMaps(plan: MapsPlan): Promise<Maps> {
  const { fleet, report, random } = plan;
  const vehicles = new Map(fleet.map((vehicle) => [vehicle.id, vehicle]));
  let times = openTimes();
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
      // A frame may be faster than the answer to who sent the fix.
      if (fix !== undefined) times.add(Math.max(0, now - (fix.acknowledgedAt ?? now)));
    }
  };
  const open = async (screen: Screen) => {
    const variables = { filter: { within: screen.box }, maxPerSecond: plan.framesPerSecond };
    const onMessage = (message: Buffer): void => note(screen, message);
    const socket = await openSubscribedSocket({ url, token, query: WATCH, variables, onMessage });
    socket.closed.then((code) => {
      if (!ending) report.problem(`a map was closed with ${code}.`);
    });
    return socket;
  };

  const screens = Array.from({ length: plan.screens }, () => ({
    box: boxOf(plan.share, random),
    shown: new Map<string, number>(),
  }));
  const turn = inFlight(OPENED_AT_ONCE);
  const sockets = await Promise.all(screens.map((screen) => turn(() => open(screen))));
  return {
    takeTimes() {
      const taken = times;
      times = openTimes();
      return taken;
    },
    async settle() {
      const deadline = performance.now() + PATIENCE_MS;
      let wrong = screens.filter((screen) => !isRight(screen, fleet));
      while (wrong.length > 0 && performance.now() < deadline) {
        await pause(LOOK_MS);
        wrong = wrong.filter((screen) => !isRight(screen, fleet));
      }
      if (wrong.length > 0)
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
