import { URI_OPTIONS, type UriOption } from '../../src/mongo/uri-options.ts';
import { settingsTable } from '../../src/process/help.ts';
import { REFUSALS } from '../../src/refusal.ts';
import { ADJUST_REASONS } from '../../src/route/reasons.ts';
import {
  CANCEL_REASONS,
  DECLINE_REASONS,
  EXCEPTION_REASONS,
  type Reason,
  WITHDRAW_REASONS,
} from '../../src/tender/reasons.ts';
import { CORRECTION_REASON_NAMES } from '../../src/vehicle/reasons.ts';

/** The parts of the pages that are made from the code, by the name that stands in their `<!-- name: … -->`. */
export const GENERATED: Readonly<Record<string, () => string>> = {
  refusals: refusalsTable,
  reasons: reasonsTable,
  settings: settingsTable,
  'uri-options': uriOptionsTable,
};

function refusalsTable(): string {
  const rows = Object.entries(REFUSALS).map(
    ([code, [kind, text]]) => `| \`${code}\` | \`${kind}\` | ${text} |`,
  );
  return ['| code | type | meaning |', '|---|---|---|', ...rows].join('\n');
}

/** Options of MONGODB_URI with the same fate in one line, but for numbers, each of which has bounds of its own. */
function uriOptionsTable(): string {
  const lines = new Map<string, string[]>();
  for (const [name, option] of Object.entries(URI_OPTIONS)) {
    const fate = fateOf(option);
    lines.set(fate, [...(lines.get(fate) ?? []), `\`${name}\``]);
  }
  const rows = Array.from(lines, ([fate, names]) => `| ${names.join(', ')} | ${fate} |`);
  return ['| option | what becomes of it |', '|---|---|', ...rows].join('\n');
}

function fateOf(option: UriOption): string {
  if (option.kind === 'refused') return `refused: ${option.instead}`;
  if (option.kind === 'set') {
    const [to] = option.to;
    return to === undefined || to === '-1'
      ? `not used, so that ${option.why}`
      : `always \`${to}\`, so that ${option.why}`;
  }
  return option.least === undefined ? 'taken' : `${option.least} to ${option.most}: ${option.why}`;
}

/** `DRIVER_NOT_AVAILABLE` (D2): one list to a line, since the meanings are in the schema. */
function reasonsTable(): string {
  const named = (reasons: Readonly<Record<string, Reason>>): string =>
    Object.entries(reasons)
      .map(([code, { x12 }]) => listed(code, x12))
      .join(', ');
  const adjust = Object.entries(ADJUST_REASONS).map(([code, [x12]]) => listed(code, x12));
  const corrections = CORRECTION_REASON_NAMES.map((code) => listed(code, null));
  return [
    '| list | of | reasons, with their X12 code (1651) |',
    '|---|---|---|',
    `| \`DeclineReason\` | \`declineTender\` | ${named(DECLINE_REASONS)} |`,
    `| \`CancelReason\` | \`cancelTender\` | ${named(CANCEL_REASONS)} |`,
    `| \`WithdrawReason\` | \`withdrawOffer\` | ${named(WITHDRAW_REASONS)} |`,
    `| \`ExceptionReason\` | \`raiseException\` | ${named(EXCEPTION_REASONS)} |`,
    `| \`RouteAdjustReason\` | \`adjustRoute\` | ${adjust.join(', ')} |`,
    `| \`LocationCorrectionReason\` | \`correctLocation\`, \`correctLocations\` | ${corrections.join(', ')} |`,
  ].join('\n');
}

function listed(code: string, x12: string | null): string {
  return x12 === null ? `\`${code}\`` : `\`${code}\` ${x12}`;
}

/** The names of the generated parts that a page has a place for. */
export function generatedParts(page: string): string[] {
  return Object.keys(GENERATED).filter((name) => placeOf(name).test(page));
}

/** The page with its generated parts made anew. */
export function refreshed(page: string): string {
  return generatedParts(page).reduce(
    (text, name) =>
      text.replace(
        placeOf(name),
        (_, open: string, close: string) => `${open}${GENERATED[name]?.()}\n${close}`,
      ),
    page,
  );
}

function placeOf(name: string): RegExp {
  return new RegExp(`(<!-- ${name}: [^>]*-->\\n).*?(<!-- /${name} -->)`, 's');
}

/** The commands that a page tells its readers to run, as words: `drill replay`. */
export function commandsIn(page: string): string[] {
  return [...page.matchAll(/npx waybill ((?:drill |api-key )?[a-z][\w-]*)/g)].map(([, words = '']) => words);
}

/** The files of this repository that a page links to, from its own folder, and their sections. */
export function linksIn(page: string): { readonly file: string; readonly section: string | undefined }[] {
  return [...page.matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)/g)].map(([, file = '', section]) => ({
    file,
    section,
  }));
}

/** The names by which links call the sections of a page. */
export function sectionsOf(page: string): string[] {
  return [...page.matchAll(/^#{2,} (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  );
}

/** A curl command of the README as what it sends. */
export interface Pasted {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The curl commands in the README's shell blocks, `$TOKEN` put in. */
export function curlCommands(readme: string, token: string): Pasted[] {
  const blocks = [...readme.matchAll(/```sh\n(curl [\s\S]*?)```/g)].map(([, block = '']) => block);
  return blocks.map((block) => {
    const headers = [...block.matchAll(/-H (["'])(.+?)\1/g)].map(([, , header = '']) =>
      header.replace('$TOKEN', token).split(/: */, 2),
    );
    return {
      path: new URL(/http:\/\/\S+/.exec(block)?.[0] ?? '').pathname,
      headers: Object.fromEntries(headers),
      body: /-d '([^']+)'/.exec(block)?.[1] ?? '',
    };
  });
}
