import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

/** Where a browser is that tests can drive; undefined on machines without one. */
export const BROWSER = findProgram(['chromium', 'chromium-browser', 'google-chrome']);

/** For the name of what is passed over: why. */
export const ONLY_WITH_BROWSER =
  BROWSER === undefined ? ' (passed over: neither chromium nor google-chrome is on the PATH)' : '';

/** Starts it, without a window and without talking to anyone by itself. */
export function launchBrowser(): Promise<Browser> {
  if (BROWSER === undefined) throw new Error('There is no browser on this machine.');
  return chromium.launch({
    executablePath: BROWSER,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

function findProgram(names: readonly string[]): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
