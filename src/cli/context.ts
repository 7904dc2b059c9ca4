import type { DestinationStream } from 'pino';
import type { Variables } from '../process/setting.ts';
import type { SignalSource } from '../process/stop-signal.ts';

/** A stream that a command writes to; on a terminal it may draw. */
export type Output = NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };

/**
 * What a process hands to the command that it runs. Commands take none of it from the process itself, so that tests run
 * them without starting one.
 */
export interface CliContext {
  /** What was typed after `waybill`. */
  readonly args: readonly string[];
  readonly variables: Variables;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Writes lines to the two above. */
  readonly console: Pick<Console, 'log' | 'error'>;
  /** Where the log goes; without it to the descriptor of standard error, which loses nothing when the process ends. */
  readonly logTo?: DestinationStream;
  readonly signals: SignalSource;
  /** The program's own file, for commands that start it once more. */
  readonly program: string;
  /** 0 until a command says otherwise. */
  exitCode: number;
}
