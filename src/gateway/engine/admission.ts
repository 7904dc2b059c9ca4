import { overloaded } from '../../graphql/errors.ts';
import type { ClientLimits } from '../../metrics/limits.ts';
import type { Metrics } from '../../metrics/metrics.ts';

/**
 * How much work a process takes on at once: commands that are being recorded or wait for it (each fix of a batch is one), and
 * bytes of the requests and messages that are being answered. More is refused at once, while it costs nothing yet.
 */
export type AdmissionLimits = Pick<ClientLimits, 'maxCommandsInHand' | 'maxRequestBytesInHand'>;

/** Lets work in, up to the limits. While nothing is in hand, anything is let in, however large. */
export interface Admission {
  /** Takes commands on for as long as `work` takes. @throws OVERLOADED, and work is not begun */
  commands<T>(count: number, work: () => Promise<T>): Promise<T>;
  /** Takes a request on. @returns to be called once it is answered, any number of times @throws OVERLOADED */
  request(bytes: number): () => void;
}

export function openAdmission(
  { maxCommandsInHand, maxRequestBytesInHand }: AdmissionLimits,
  { limits, inHand }: Pick<Metrics, 'limits' | 'inHand'>,
): Admission {
  const take = (what: 'commands' | 'request_bytes', amount: number, max: number): (() => void) => {
    if (inHand[what] > 0 && inHand[what] + amount > max) {
      limits.inc({ limit: what });
      throw overloaded();
    }
    inHand[what] += amount;
    let held = amount;
    return () => {
      inHand[what] -= held;
      held = 0;
    };
  };
  return {
    async commands(count, work) {
      const release = take('commands', count, maxCommandsInHand);
      try {
        return await work();
      } finally {
        release();
      }
    },
    request: (bytes) => take('request_bytes', bytes, maxRequestBytesInHand),
  };
}
