/**
 * A limit on what clients may ask of a process or cost it. It stands here once, below everything that needs it: the
 * gateway takes the default, the settings make a variable of it, and the metrics count how often it was met.
 */
export interface ClientLimit {
  /** What it is, unless the operator says otherwise. */
  readonly default: number;
  /** What the operator may set, both included. */
  readonly min: number;
  readonly max: number;
  readonly unit: string;
  /** The environment's variable. */
  readonly variable: string;
  /** For docs/settings.md and `--help`. */
  readonly doc: string;
  /** Its name in the metrics; none where a client who meets it is told nothing. */
  readonly label?: string;
}

/** What clients may ask for. */
export const REQUEST_LIMITS = {
  maxBodyBytes: {
    ...{ default: 2_097_152, min: 1_024, max: 16_777_216, unit: 'B' },
    variable: 'WAYBILL_MAX_BODY_BYTES',
    doc: 'Largest HTTP request.',
    label: 'body_bytes',
  },
  maxDocumentTokens: {
    ...{ default: 5_000, min: 500, max: 100_000, unit: 'tokens' },
    variable: 'WAYBILL_MAX_DOCUMENT_TOKENS',
    doc: 'Names, values and signs in one GraphQL document; longer ones are refused before they are parsed.',
    label: 'document_tokens',
  },
  maxCommandsInHand: {
    ...{ default: 10_000, min: 1, max: 1_000_000, unit: 'commands' },
    variable: 'WAYBILL_MAX_COMMANDS_IN_HAND',
    doc: 'Commands that this process takes on at once, each fix of a batch being one; more are `OVERLOADED` (503).',
    label: 'commands',
  },
  maxRequestBytesInHand: {
    ...{ default: 67_108_864, min: 65_536, max: 4_294_967_296, unit: 'B' },
    variable: 'WAYBILL_MAX_REQUEST_BYTES_IN_HAND',
    doc: 'Bytes of requests that are being answered at once; more are `OVERLOADED` (503).',
    label: 'request_bytes',
  },
  maxMessageBytes: {
    ...{ default: 2_097_152, min: 1_024, max: 16_777_216, unit: 'B' },
    variable: 'WAYBILL_MAX_MESSAGE_BYTES',
    doc: 'Largest message on a socket.',
    label: 'message_bytes',
  },
  maxSocketsPerTenant: {
    ...{ default: 1_000, min: 1, max: 1_000_000, unit: 'sockets' },
    variable: 'WAYBILL_MAX_SOCKETS_PER_TENANT',
    doc: 'Sockets and event streams that one tenant may hold open on this process.',
    label: 'sockets_per_tenant',
  },
  maxSocketsPerCaller: {
    ...{ default: 500, min: 1, max: 1_000_000, unit: 'sockets' },
    variable: 'WAYBILL_MAX_SOCKETS_PER_CALLER',
    doc: 'The same, of one caller: a subject in its role, or an API key.',
    label: 'sockets_per_caller',
  },
  maxHeldBytesPerSocket: {
    ...{ default: 1_048_576, min: 4_096, max: 1_073_741_824, unit: 'B' },
    variable: 'WAYBILL_MAX_HELD_BYTES_PER_SOCKET',
    doc: 'About how much memory the subscriptions of one socket or event stream may hold by what they were asked with; more are `TOO_MUCH_OPEN` (429).',
    label: 'held_bytes_per_socket',
  },
  maxHeldBytesPerCaller: {
    ...{ default: 33_554_432, min: 4_096, max: 68_719_476_736, unit: 'B' },
    variable: 'WAYBILL_MAX_HELD_BYTES_PER_CALLER',
    doc: 'The same of all that one caller has open on this process, and with the documents.',
    label: 'held_bytes_per_caller',
  },
  maxHeldBytesPerTenant: {
    ...{ default: 134_217_728, min: 4_096, max: 68_719_476_736, unit: 'B' },
    variable: 'WAYBILL_MAX_HELD_BYTES_PER_TENANT',
    doc: 'The same of all that one tenant has open.',
    label: 'held_bytes_per_tenant',
  },
  maxSubscriptionsPerSocket: {
    ...{ default: 50, min: 1, max: 10_000, unit: 'subscriptions' },
    variable: 'WAYBILL_MAX_SUBSCRIPTIONS_PER_SOCKET',
    doc: 'Subscriptions that may run at once on one socket.',
    label: 'subscriptions_per_socket',
  },
  initTimeoutSeconds: {
    ...{ default: 5, min: 1, max: 60, unit: 's' },
    variable: 'WAYBILL_INIT_TIMEOUT_SECONDS',
    doc: 'How long a socket may take from opening to `connection_init`, before it is closed (4408).',
    label: 'init_timeout',
  },
  idleSocketSeconds: {
    ...{ default: 600, min: 1, max: 86_400, unit: 's' },
    variable: 'WAYBILL_IDLE_SOCKET_SECONDS',
    doc: 'How long a socket may be without any operation, before it is closed (4410).',
    label: 'idle_time',
  },
} as const satisfies Readonly<Record<string, ClientLimit>>;

/**
 * What an operation may cost, and what a caller may use, in points (`graphql/cost.ts`): by role, since a board asks for more
 * than a phone does.
 */
export const COST_LIMITS = {
  maxCost: {
    ...{ default: 100_000, min: 1_000, max: 100_000_000, unit: 'points' },
    variable: 'WAYBILL_MAX_COST',
    doc: 'What one operation may cost; dearer ones are refused before they run (`MAX_COST_EXCEEDED`).',
    label: 'cost',
  },
  maxCostCarrier: {
    ...{ default: 50_000, min: 1_000, max: 100_000_000, unit: 'points' },
    variable: 'WAYBILL_MAX_COST_CARRIER',
    doc: 'The same, of carriers.',
    label: 'cost_carrier',
  },
  maxCostDevice: {
    ...{ default: 25_000, min: 1_000, max: 100_000_000, unit: 'points' },
    variable: 'WAYBILL_MAX_COST_DEVICE',
    doc: 'The same, of drivers and riders.',
    label: 'cost_device',
  },
  maxDearPerCaller: {
    ...{ default: 64, min: 1, max: 100_000, unit: 'operations' },
    variable: 'WAYBILL_MAX_DEAR_PER_CALLER',
    doc: 'Queries of more than 5,000 points that one caller may have waiting for their turn; more are `OVERLOADED` (503).',
    label: 'dear_per_caller',
  },
  rate: {
    ...{ default: 5_000_000, min: 0, max: 1_000_000_000, unit: 'points/s' },
    variable: 'WAYBILL_RATE',
    doc: 'What one subject of tokens may use, over all gateways, ten seconds of it at once; more is `RATE_LIMITED` (429). 0 for no limit.',
    label: 'rate',
  },
  rateCarrier: {
    ...{ default: 250_000, min: 0, max: 1_000_000_000, unit: 'points/s' },
    variable: 'WAYBILL_RATE_CARRIER',
    doc: 'The same, of an API key, and of a carrier’s token.',
    label: 'rate_carrier',
  },
  rateDevice: {
    ...{ default: 100_000, min: 0, max: 1_000_000_000, unit: 'points/s' },
    variable: 'WAYBILL_RATE_DEVICE',
    doc: 'The same, of a driver or rider.',
    label: 'rate_device',
  },
  rateTenant: {
    ...{ default: 0, min: 0, max: 1_000_000_000, unit: 'points/s' },
    variable: 'WAYBILL_RATE_TENANT',
    doc: 'The same, of all callers of a tenant together.',
    label: 'rate_tenant',
  },
} as const satisfies Readonly<Record<string, ClientLimit>>;

/** What results may take in memory on their way to clients. The feed has limits of its own before these. */
export const RESULT_LIMITS = {
  maxSocketBufferBytes: {
    ...{ default: 4_194_304, min: 65_536, max: 268_435_456, unit: 'B' },
    variable: 'WAYBILL_MAX_SOCKET_BUFFER_BYTES',
    doc: 'Bytes that may wait in one socket; a slower reader is closed (4408).',
    label: 'socket_buffer_bytes',
  },
  maxSharedBytes: {
    ...{ default: 33_554_432, min: 1_048_576, max: 4_294_967_296, unit: 'B' },
    variable: 'WAYBILL_MAX_SHARED_BYTES',
    doc: 'Results that are kept for further subscribers who are shown the same; beyond it they are made again.',
  },
} as const satisfies Readonly<Record<string, ClientLimit>>;

const LIMITS = { ...REQUEST_LIMITS, ...COST_LIMITS, ...RESULT_LIMITS };

/** Operators set whole seconds, timers take milliseconds: `idleSocketSeconds` becomes `idleSocketMs`. */
type InMilliseconds<Name extends string> = Name extends `${infer What}Seconds` ? `${What}Ms` : Name;

/** The limits as the gateway takes them: sizes and counts as they are set, times in milliseconds. */
export type ClientLimits = { readonly [Name in keyof typeof LIMITS as InMilliseconds<Name>]: number };

/** @param settings has the limits as operators set them, whatever else it has */
export function clientLimits(settings: Readonly<Record<keyof typeof LIMITS, number>>): ClientLimits {
  const names = Object.keys(LIMITS) as (keyof typeof LIMITS)[];
  const limits = names.map((name) =>
    name.endsWith('Seconds')
      ? [name.replace(/Seconds$/, 'Ms'), settings[name] * 1_000]
      : [name, settings[name]],
  );
  return Object.fromEntries(limits);
}

/** The limits where the operator sets none. */
export const CLIENT_LIMITS = clientLimits(
  Object.fromEntries(Object.entries(LIMITS).map(([name, limit]) => [name, limit.default])) as Record<
    keyof typeof LIMITS,
    number
  >,
);

type LabelOf<L> = L extends { readonly label: infer Label extends string } ? Label : never;

/** What `/metrics` calls a limit. How long a token lives is for its issuer to say, so that it has no setting. */
export type Limit = LabelOf<(typeof LIMITS)[keyof typeof LIMITS]> | 'token_lifetime';

/** Every label there is. */
export const LIMIT_LABELS: readonly Limit[] = [
  ...Object.values(LIMITS).flatMap((limit) => ('label' in limit ? [limit.label] : [])),
  'token_lifetime',
];
