import { IN_FILE } from './secret.ts';
import type { Setting } from './setting.ts';
import { SETTINGS } from './settings.ts';

/** The table of settings for docs/settings.md, in Markdown; a test compares the page with it. */
export function settingsTable(): string {
  const rows = Object.values<Setting<unknown>>(SETTINGS).map(
    ({ name, isSecret, type, unit, fallback, doc }) =>
      `| \`${name}\`${isSecret ? ` or \`${name}${IN_FILE}\`` : ''} | ${type} | ${unit ?? ''} | ${fallback === undefined ? '' : `\`${fallback}\``} | ${doc} |`,
  );
  return ['| variable | value | unit | default | what it does |', '|---|---|---|---|---|', ...rows].join(
    '\n',
  );
}

/** The settings for `--help`, one or two lines each. */
export function settingsHelp(): string {
  const lines = Object.values<Setting<unknown>>(SETTINGS).flatMap(
    ({ name, isSecret, unit, fallback, doc }) => {
      const standing =
        fallback === undefined ? '' : ` (default ${fallback}${unit === undefined ? '' : ` ${unit}`})`;
      return [`  ${name}${isSecret ? `, or ${name}${IN_FILE}` : ''}${standing}`, `      ${doc}`];
    },
  );
  return ['Settings, all from the environment:', ...lines].join('\n');
}
