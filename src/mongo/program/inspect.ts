import { execFile } from 'node:child_process';
import { isRecentEnough, MINIMUM_VERSION } from '../version.ts';

/** What a binary turned out to be: a mongod that is new enough, nothing, or of no use (`reason` is half a sentence). */
export type Inspection =
  | { readonly kind: 'mongod'; readonly version: string }
  | { readonly kind: 'absent' }
  | { readonly kind: 'broken'; readonly reason: string };

/** `mongod --version` answers at once; a program that does not is no mongod. */
const TIMEOUT_MS = 20_000;

/**
 * Runs `<path> --version` to learn whether this binary can run here, and which version it is. A bare name is looked for on
 * PATH. Never throws.
 */
export async function inspect(path: string): Promise<Inspection> {
  const { error, output } = await ask(path);
  if (error === 'ENOENT') return { kind: 'absent' };
  const version = /db version v(\S+)/.exec(output)?.[1];
  if (version !== undefined) {
    if (isRecentEnough(version)) return { kind: 'mongod', version };
    return broken(`it is MongoDB ${version}; Waybill needs ${MINIMUM_VERSION} or newer`);
  }
  const library = missingLibrary(output);
  if (library !== undefined) return broken(library);
  if (error === undefined) return broken('it does not say its version, so it is no mongod');
  const last = output.trim().split('\n').at(-1);
  return broken(`it does not run here (${last || error})`);
}

function broken(reason: string): Inspection {
  return { kind: 'broken', reason };
}

function ask(path: string): Promise<{ error: string | undefined; output: string }> {
  return new Promise((resolve) => {
    execFile(path, ['--version'], { timeout: TIMEOUT_MS }, (error, stdout, stderr) => {
      const reason = error === null ? undefined : (error.code ?? error.signal ?? error.message);
      resolve({ error: reason?.toString(), output: `${stdout}\n${stderr}` });
    });
  });
}

/** Debian and Ubuntu packages of the libraries that builds of mongod are linked against. */
const PACKAGES: readonly (readonly [RegExp, string])[] = [
  [/^libcurl\.so\.4/, 'libcurl4'],
  [/^lib(ssl|crypto)\.so\.3/, 'libssl3'],
  [/^lib(ssl|crypto)\.so\.1\.1/, 'libssl1.1'],
  [/^liblzma\.so\.5/, 'liblzma5'],
  [/^libresolv\.so|^libm\.so|^libc\.so|^libpthread\.so|^libdl\.so|^librt\.so/, 'libc6'],
  [/^libgcc_s\.so\.1/, 'libgcc-s1'],
  [/^libstdc\+\+\.so\.6/, 'libstdc++6'],
  [/^libsasl2\.so\.2/, 'libsasl2-2'],
  [/^libldap(_r)?-2\.[45]|^liblber-2\.[45]/, 'libldap-2.5-0'],
  [/^libgssapi_krb5\.so/, 'libgssapi-krb5-2'],
  [/^libsnmp|^libnetsnmp/, 'libsnmp40'],
  [/^libz\.so\.1/, 'zlib1g'],
];

/**
 * Reads the dynamic loader's message (ld.so of glibc: "error while loading shared libraries: X: cannot open …", or
 * "version `GLIBC_2.34' not found") and says what to install. Undefined if there is no such message.
 */
export function missingLibrary(output: string): string | undefined {
  const glibc = /version [`'](GLIBC(?:XX)?_[\d.]+)' not found/.exec(output)?.[1];
  if (glibc !== undefined) return `it was built for a newer system (${glibc} is missing here)`;
  const library = /error while loading shared libraries: (\S+?):/.exec(output)?.[1];
  if (library === undefined) return undefined;
  const name = PACKAGES.find(([pattern]) => pattern.test(library))?.[1];
  const advice =
    name === undefined ? 'install the package that has it' : `install it with: apt-get install ${name}`;
  return `the shared library ${library} is missing; on Debian or Ubuntu ${advice}`;
}
