import type { Logger } from 'pino';

/** Where the progress of something slow is shown. */
export interface DownloadProgress {
  /** Shows how far it is; `share` from 0 to 1, or absent where nobody knows. */
  at(share?: number): void;
  /** Ends the line. */
  end(): void;
}

/**
 * Shows progress of a download on stderr: on a terminal one line that is drawn again and again, elsewhere (a log
 * file, CI) one plain log line at the start and one at the end. stdout is left to what commands print.
 */
export function startProgress(log: Logger, what: string): DownloadProgress {
  if (!process.stderr.isTTY) {
    log.info(`${what} …`);
    const startedAt = Date.now();
    return { at() {}, end: () => log.info(`${what}: ended after ${seconds(startedAt)} s`) };
  }
  const startedAt = Date.now();
  const draw = (share?: number) => {
    const far = share === undefined ? '' : ` ${Math.min(100, Math.round(share * 100))} %`;
    process.stderr.write(`\r\u001b[K${what}${far} (${seconds(startedAt)} s)`);
  };
  draw();
  return {
    at: draw,
    end: () => process.stderr.write('\r\u001b[K'),
  };
}

function seconds(since: number): number {
  return Math.round((Date.now() - since) / 1000);
}
