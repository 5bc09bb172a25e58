// The codes, read from the page that lists them (spec/codes.md): no second table to keep.

import { readFileSync } from 'node:fs';

const PAGE = new URL('../../../spec/codes.md', import.meta.url);
const MEMBERS = ['group', 'outcome', 'advice', 'platform', 'alarm', 'zh', 'en'];

function readRow(line) {
  const [name, ...cells] = line.split('|').slice(1, -1).map((cell) => cell.trim());
  const row = Object.fromEntries(MEMBERS.map((member, at) => [member, cells[at]]));
  return [name.replaceAll('`', ''), { ...row, platform: Number(row.platform), alarm: row.alarm === 'yes' }];
}

const lines = readFileSync(PAGE, 'utf8').split('\n').filter((line) => line.startsWith('| `'));

/** @type {Map<string, Object>} group, outcome, advice, platform, alarm, zh, en of each code. */
export const CODES = new Map(lines.map(readRow));

export function codeOf(name) {
  const code = CODES.get(name);
  if (code === undefined) throw new Error(`no code ${name} in spec/codes.md`);
  return code;
}
