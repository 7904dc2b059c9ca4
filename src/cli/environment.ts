import type { Variables } from '../setting.ts';

/** What a subcommand is given of the process it runs in; main.ts is the only one to look itself. */
export interface Environment {
  readonly variables: Variables;
  /** Where results go: the token, the key, the report. */
  readonly stdout: NodeJS.WritableStream;
  /** Where everything said on the way goes. */
  readonly stderr: NodeJS.WritableStream;
}
