/** Change streams with cluster-wide resume tokens, snapshot sessions and `$setWindowFields` as we use them start here. */
export const MINIMUM_VERSION = '6.0';

/** True if a server's version (`6.0.5`, `8.0.0-rc3`) is one that Waybill runs on. */
export function isRecentEnough(version: string): boolean {
  return Number.parseInt(version, 10) >= Number.parseInt(MINIMUM_VERSION, 10);
}
