import { describe, expect, it } from 'vitest';
import { settingsHelp, settingsTable } from '../../src/process/help.ts';
import { SETTINGS } from '../../src/process/settings.ts';

describe('the table of settings', () => {
  it('has every setting, in the README and in the help alike', () => {
    const [table, help] = [settingsTable(), settingsHelp()];
    for (const { name, doc } of Object.values(SETTINGS)) {
      expect(table).toContain(`| \`${name}\` `);
      expect(help).toContain(`  ${name}`);
      expect(help).toContain(doc);
    }
  });
});
