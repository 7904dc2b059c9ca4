import type { Scratch } from '../drill.ts';
import { type GatewayProcess, newSecret, startGateway } from './gateway.ts';

/** Gateways of which one, by chance, is killed again and again. */
export interface KillableGateways {
  /** Of a dispatcher; all of them accept it. */
  readonly token: string;
  /** One of those that run, by chance; undefined where none does. */
  url(): string | undefined;
  /** Ends one of those that run, by chance, like a power cut. */
  kill(): Promise<void>;
  /** Starts one; resolves when it answers. */
  start(): Promise<void>;
}

/** Starts so many gateways, one or more, which all accept the same tokens. */
export async function startKillableGateways(
  scratch: Scratch,
  number: number,
  more: Readonly<Record<string, string>> = {},
): Promise<KillableGateways> {
  const secret = newSecret();
  const running: GatewayProcess[] = [];
  const oneOf = (): GatewayProcess | undefined => running[Math.floor(Math.random() * running.length)];
  const start = async (): Promise<GatewayProcess> => {
    const gateway = await startGateway(scratch, { WAYBILL_ROLE: 'gateway', ...more }, secret);
    running.push(gateway);
    return gateway;
  };
  const [{ token }] = await Promise.all([start(), ...Array.from({ length: number - 1 }, start)]);
  return {
    token,
    url: () => oneOf()?.url,
    start: () => start().then(() => undefined),
    async kill() {
      const gateway = oneOf();
      if (gateway === undefined) return;
      running.splice(running.indexOf(gateway), 1);
      await gateway.kill();
    },
  };
}
