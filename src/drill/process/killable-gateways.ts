import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { signToken } from '../../access/token.ts';
import { DRILL_TENANT } from '../data/stream-kinds.ts';
import type { Scratch } from '../drill.ts';
import { type GatewayProcess, startGateway } from './gateway.ts';

/** Processes of Waybill that are made to be killed. */
export interface KillableGateways {
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
export async function startKillableGateways(
  scratch: Scratch,
  number: number,
  more: Readonly<Record<string, string>> = {},
): Promise<KillableGateways> {
  const secret = randomBytes(SECRET_BYTES).toString('hex');
  const claims = { sub: 'drill', tenant: DRILL_TENANT, role: 'dispatcher' } as const;
  const running: GatewayProcess[] = [];
  const oneOf = (): GatewayProcess | undefined => running[Math.floor(Math.random() * running.length)];
  const start = async (): Promise<void> => {
    const role = { WAYBILL_ROLE: 'gateway', WAYBILL_JWT_SECRET: secret };
    running.push(await startGateway(scratch, { ...role, ...more }));
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
