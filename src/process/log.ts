import { type DestinationStream, type Logger, pino } from 'pino';
import pretty from 'pino-pretty';

/** Levels of the log, from the most urgent to the least. */
export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Names that carry a secret, wherever they stand in a logged object (three levels deep). */
const SECRETS = [
  'authorization',
  'Authorization',
  '"x-api-key"',
  'apiKey',
  'token',
  'secret',
  'password',
  'cookie',
  'connectionParams',
];

/**
 * Opens the log. It goes to standard error: standard output is for what a command is asked for.
 * JSON lines (pino's), or coloured text where a person reads along. Tokens and keys are never written.
 */
export function openLog(options: {
  readonly level: LogLevel;
  readonly pretty: boolean;
  readonly destination?: DestinationStream;
}): Logger {
  const { level, destination: given } = options;
  const destination = options.pretty
    ? pretty({ destination: given ?? 2, sync: true, colorize: true, ignore: 'pid,hostname' })
    : (given ?? pino.destination({ dest: 2, sync: true }));
  return pino({ level, redact: { paths: redacted(), censor: '[secret]' } }, destination);
}

/** `a`, `*.a` and `*.*.a` for each name; a quoted name stands in brackets. */
function redacted(): string[] {
  return SECRETS.flatMap((name) => {
    const step = name.startsWith('"') ? `[${name}]` : `.${name}`;
    return [step.replace(/^\./, ''), `*${step}`, `*.*${step}`];
  });
}
