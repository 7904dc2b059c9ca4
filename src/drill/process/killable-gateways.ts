import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { signToken } from '../../access/token.ts';
import { DRILL_TENANT } from '../data/stream-kinds.ts';
import type { Scratch } from '../drill.ts';
import { type DrillGateway, startDrillGateway } from './gateway.ts';

/** Processes of Waybill that are made to be killed. */
export interface DrillGateways {
  /** Of a dispatcher, good at all of them. */
  readonly token: string;
  /** One of those that run, by chance; undefined where none does. */
  url(): string | undefined;
  /** Ends one of those that run, by chance, like a power cut. */
  kill(): Promise<void>;
  /** Starts one; resolves when it answers. */
  start(): Promise<void>;
}

const SECRET_BYTES = 32;
const TOKEN_SECONDS = 86_400;

/** Starts so many gateways, which know the same tokens. */
export async function startDrillGateways(
  scratch: Scratch,
  number: number,
  more: Readonly<Record<string, string>> = {},
): Promise<DrillGateways> {
  const secret = randomBytes(SECRET_BYTES).toString('hex');
  const claims = { sub: 'drill', tenant: DRILL_TENANT, role: 'dispatcher' } as const;
  const running: DrillGateway[] = [];
  const oneOf = (): DrillGateway | undefined => running[Math.floor(Math.random() * running.length)];
  const start = async (): Promise<void> => {
    const role = { WAYBILL_ROLE: 'gateway', WAYBILL_JWT_SECRET: secret };
    running.push(await startDrillGateway(scratch, { ...role, ...more }));
  };
  await Promise.all(Array.from({ length: number }, start));
  return {
    token: await signToken({ kind: 'secret', secret }, claims, TOKEN_SECONDS),
    url: () => oneOf()?.url,
    start,
    async kill() {
      const gateway = oneOf();
      if (gateway === undefined) return;
      running.splice(running.indexOf(gateway), 1);
      const ended = once(gateway.process, 'close');
      gateway.process.kill('SIGKILL');
      await ended;
    },
  };
}
