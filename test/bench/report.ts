import { createRequire } from 'node:module';
import { availableParallelism, cpus, release, totalmem, type } from 'node:os';
import type { Db } from 'mongodb';
import type { Findings, Line, Plan } from './measure.ts';

const PACKAGES = ['mongodb', 'graphql-yoga', 'graphql', 'graphql-ws', 'ws'];

/** What was measured with and on, in two lines of Markdown. */
export async function heading(db: Db, { repetitions, scale }: Plan): Promise<string> {
  const require = createRequire(import.meta.url);
  const packages = PACKAGES.map((name) => `${name} ${require(`${name}/package.json`).version}`);
  const { version } = await db.admin().serverInfo();
  const machine = `${type()} ${release()}, ${availableParallelism()} cores, ${Math.round(totalmem() / 2 ** 30)} GiB`;
  const model = cpus()[0]?.model.trim();
  return [
    `Measured on ${new Date().toISOString().slice(0, 10)}: node ${process.versions.node}, mongod ${version} (one-node ` +
      `replica set), ${packages.join(', ')}; ${machine}${model ? ` (${model})` : ''}. ${repetitions} interleaved ` +
      `repetitions after one to warm up${scale === 1 ? '' : `, at ${scale} of the full size`}. Client, servers and ` +
      'mongod share the machine, so only ratios mean anything: the rate of what stands first divided by that of its ' +
      'limit in the same repetition, or for times, its time divided by the limit’s.',
  ].join('\n');
}

/** The table, what is not as wanted, and what no ratio tells. */
export function report(findings: readonly Findings[]): string {
  const lines = findings.flatMap((found) => found.lines);
  const notes = findings.flatMap((found) => found.notes ?? []);
  const rows = lines.map(
    ({ what, against, ratio: { min, median, max }, wanted = '', ok }) =>
      `| ${what} | ${against} | ${figure(min)} / **${figure(median)}** / ${figure(max)} | ${wanted} | ${verdict(ok)} |`,
  );
  return [
    ['| what | against | ratio min / median / max | wanted | ok |', '|---|---|---|---|---|', ...rows].join(
      '\n',
    ),
    summary(lines),
    notes.map((note) => `- ${note}`).join('\n'),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function summary(lines: readonly Line[]): string {
  const wanted = lines.filter(({ ok }) => ok !== undefined);
  const missed = wanted.filter(({ ok }) => ok === false);
  if (wanted.length === 0) return '';
  if (missed.length === 0) return `All ${wanted.length} wants are met.`;
  const list = missed.map(
    (line) => `- ${line.what}: ${figure(line.ratio.median)}, wanted ${line.wanted} of ${line.against}`,
  );
  return [`${missed.length} of ${wanted.length} wants are missed:`, '', ...list].join('\n');
}

function verdict(ok: boolean | undefined): string {
  if (ok === undefined) return '';
  return ok ? 'yes' : '**no**';
}

function figure(ratio: number): string {
  return ratio >= 10 ? ratio.toFixed(1) : ratio.toFixed(2);
}
