import { type SeededRandom, seededRandom } from '../client/seeded-random.ts';
import { type Crossing, distanceM, headingDeg, type LonLat, type Town } from './town.ts';

/** Town traffic, in metres a second. */
const SLOWEST_MPS = 8;
const FASTEST_MPS = 16;

/** A vehicle of the made-up fleet: where it is, and where it is going. */
export interface Vehicle {
  readonly id: string;
  readonly licensePlate: string;
  /** Working for a tender, or not available as far as we know. */
  busy: boolean;
  readonly position: LonLat;
  /** Drives there at once; resolves on arrival. */
  driveTo(goal: Crossing): Promise<void>;
  /** Lets time pass. A vehicle with nothing to do drives about. */
  advance(seconds: number): void;
  /** What its device sends now. */
  fix(at: Date): Record<string, string | number>;
}

export function makeVehicle(
  town: Town,
  seed: string,
  identity: { readonly id: string; readonly licensePlate: string },
): Vehicle {
  const random: SeededRandom = seededRandom(`vehicle ${seed} ${identity.licensePlate}`);
  let at = town.somewhere(random);
  let [position, heading, moving] = [at.position, 0, false];
  let speedMps = random.between(SLOWEST_MPS, FASTEST_MPS);
  let ahead: LonLat[] = [];
  let arrived: (() => void) | undefined;

  function setOut(goal: Crossing, onArrival?: () => void): void {
    // From wherever it is between two crossings, it first goes on to where it was going.
    ahead = town.way(at, goal, random);
    at = goal;
    arrived = onArrival;
    speedMps = random.between(SLOWEST_MPS, FASTEST_MPS);
  }

  return {
    ...identity,
    busy: false,
    get position() {
      return position;
    },
    driveTo(goal) {
      return new Promise((resolve) => setOut(goal, resolve));
    },
    advance(seconds) {
      if (ahead.length === 0 && !this.busy) setOut(town.somewhere(random));
      moving = ahead.length > 0;
      let left = speedMps * seconds;
      for (let next = ahead[0]; next !== undefined; next = ahead[0]) {
        const gap = distanceM(position, next);
        if (gap > 0) heading = headingDeg(position, next);
        if (gap > left) {
          const share = left / gap;
          position = [
            position[0] + (next[0] - position[0]) * share,
            position[1] + (next[1] - position[1]) * share,
          ];
          return;
        }
        left -= gap;
        position = next;
        ahead.shift();
      }
      arrived?.();
      arrived = undefined;
    },
    fix(when) {
      const [longitude, latitude] = position.map((degrees) => Number(degrees.toFixed(6)));
      return {
        vehicleId: identity.id,
        deviceId: 'simulator',
        longitude: longitude ?? 0,
        latitude: latitude ?? 0,
        occurredAt: when.toISOString(),
        speedMps: moving ? Number(speedMps.toFixed(1)) : 0,
        headingDeg: Number(heading.toFixed(1)) % 360,
        accuracyM: 5,
      };
    },
  };
}
