import { randomBytes } from 'node:crypto';
import { signToken } from '../../access/token.ts';
import { DRILL_TENANT } from '../data/commands.ts';
import type { Scratch } from '../drill.ts';
import { GATEWAY_NODE_FLAGS, type RunningProgram, startProgram } from './program.ts';

/** A gateway in a process of its own, on the drill's database. */
export interface GatewayProcess {
  /** `http://127.0.0.1:…/graphql` */
  readonly url: string;
  /** Of a dispatcher of the drill's tenant. */
  readonly token: string;
  /** Ends it like a power cut; resolves when it is gone. */
  kill(): Promise<void>;
  /** What it says about itself just now. @throws Error where it does not answer */
  figures(): Promise<GatewayFigures>;
}

/** Of the gateway's process. */
export interface GatewayFigures {
  readonly residentBytes: number;
  /** What the garbage collector looks after, and what buffers hold beside it. */
  readonly heapBytes: number;
  readonly cpuSeconds: number;
  readonly sockets: number;
  /** Changes that wait for subscribers of tenders. */
  readonly waiting: number;
}

const SECRET_BYTES = 32;
const TOKEN_SECONDS = 86_400;

/** A secret for the tokens of one gateway, or of several. */
export function newSecret(): string {
  return randomBytes(SECRET_BYTES).toString('hex');
}

/**
 * Starts a gateway that listens on a free port of this machine; it ends with the drill.
 * @param more variables beside those that the drill was started with
 * @param secret what its tokens are signed with
 * @throws Error with the end of its output where it does not start
 */
export async function startGateway(
  scratch: Scratch,
  more: Readonly<Record<string, string>> = {},
  secret: string = newSecret(),
): Promise<GatewayProcess> {
  const own = { HOST: '127.0.0.1', PORT: '0', WAYBILL_JWT_SECRET: secret, WAYBILL_VERIFY_HOURS: '0' };
  // The operator's own identity provider knows nothing of the drill's tenant.
  const none = {
    WAYBILL_JWT_SECRET_FILE: '',
    WAYBILL_JWKS_URL: '',
    WAYBILL_JWT_ISSUER: '',
    WAYBILL_JWT_AUDIENCE: '',
    WAYBILL_TLS_CERTIFICATE_FILE: '',
    WAYBILL_TLS_KEY_FILE: '',
    WAYBILL_TLS_CLIENT_CA_FILE: '',
    WAYBILL_TLS_CLIENT_CERTIFICATE: '',
    WAYBILL_SERVICE_ACCOUNTS_FILE: '',
  };
  const variables = { ...own, ...none, ...more };
  const program = startProgram(scratch, { args: ['start'], variables, nodeFlags: GATEWAY_NODE_FLAGS });
  scratch.onClose(() => program.kill());
  const origin = await originOf(program);
  const claims = { sub: 'drill', tenant: DRILL_TENANT, role: 'dispatcher' } as const;
  return {
    url: `${origin}/graphql`,
    token: await signToken({ kind: 'secret', secret }, claims, TOKEN_SECONDS),
    kill: () => program.kill(),
    figures: () => figuresOf(origin),
  };
}

/** Resolves with `http://127.0.0.1:…` once the gateway has printed that it listens there. */
function originOf({ process: child, ended, printed, lastOutput }: RunningProgram): Promise<string> {
  return new Promise((resolve, reject) => {
    const read = (): void => {
      const [, origin] = /(?:listens|metrics are) on (http:\/\/[^/\s]+)/.exec(printed()) ?? [];
      if (origin !== undefined) resolve(origin);
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    ended.then(
      (code) => reject(new Error(`The drill's gateway ended with ${code}: ${lastOutput()}`)),
      reject,
    );
  });
}

async function figuresOf(origin: string): Promise<GatewayFigures> {
  const response = await fetch(`${origin}/metrics`);
  const text = await response.text();
  const read = (name: string): number => {
    const [, value] = new RegExp(`^${name} (\\S+)$`, 'm').exec(text) ?? [];
    return Number(value ?? 0);
  };
  return {
    residentBytes: read('process_resident_memory_bytes'),
    heapBytes: read('nodejs_heap_size_used_bytes') + read('nodejs_external_memory_bytes'),
    cpuSeconds: read('process_cpu_seconds_total'),
    sockets: read('waybill_sockets'),
    waiting: read('waybill_subscriber_queue_items\\{lane="ordered"\\}'),
  };
}
