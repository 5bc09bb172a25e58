// The rules of whoever signs a text (spec/text.md §2): which one a text breaks first, and at which character.

const HAN = /[\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u{20000}-\u{3fffd}]/u;
const BLANK = /\p{White_Space}/u;
const SELECTOR = /[\ufe00-\ufe0f\u{e0100}-\u{e01ef}]/u;
const SEPARATORS =
  /[\u2022\u2023\u2024\u2027\u2043\u204c\u204d\u2219\u22c4\u22c5\u25aa\u25cf\u25e6\u26ab\u2981\u2e30\u2e31\u2e33\u3002\u30fb\u318d\u16eb\u1427\ua78f\ufe52\uff0e\uff61\uff65\u{10101}]/u;

/** Each rule about one character, in order; the first that fits is the answer, null for a character that is good. */
const CHARACTERS = [
  [null, /[ -~\u4e00-\u9fff\u3000]/u],
  ['carriage_return', /\r/u],
  ['line_break', /[\n\v\f\u0085\u2028\u2029]/u],
  ['lost', /[\ufffd\ufffc]/u],
  ['tag', /[\u{e0000}-\u{e007f}]/u],
  ['bidi', /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u],
  ['selector', SELECTOR],
  ['radical', /[\u2e80-\u2fd5]/u],
  ['invisible', /[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\uffa0\ufff0-\ufff8\u{e0080}-\u{e00ff}\u{e01f0}-\u{e0fff}]/u],
  ['control', /\p{Cc}/u],
  ['invisible', /\p{Cf}/u],
  ['private_use', /\p{Co}/u],
  ['other_blank', /\p{Zs}/u],
  [null, /[\u{20000}-\u{2fffd}\u{30000}-\u{3fffd}]/u],
  ['unassigned', /\p{Cn}/u],
];

const isHan = (character) => character !== undefined && HAN.test(character);

function breach(character, before, isOneLine) {
  if (character === '\n' && !isOneLine) return null;
  if (/[\ufe00-\ufe02\u{e0100}-\u{e01ef}]/u.test(character) && isHan(before)) return null;
  return CHARACTERS.find(([, characters]) => characters.test(character))?.[0] ?? null;
}

/** @returns {[string, number | null] | null} the rule and the place of the character, from 1. */
function written(characters, isOneLine) {
  if (characters.every((character) => BLANK.test(character))) return ['blank', null];
  for (const [at, character] of characters.entries()) {
    const rule = breach(character, characters[at - 1], isOneLine);
    if (rule !== null) return [rule, at + 1];
  }
  const text = characters.join('');
  if (text.normalize('NFC') !== text) return ['not_nfc', null];
  if (BLANK.test(characters[0])) return ['blanks_around', 1];
  return BLANK.test(characters.at(-1)) ? ['blanks_around', characters.length] : null;
}

function first(characters, rule) {
  for (const [at, character] of characters.entries()) {
    const found = rule(character, characters[at - 1], characters[at + 1]);
    if (found !== null) return [found, at + 1];
  }
  return null;
}

function number(character, before) {
  if (/[０-９Ａ-Ｚａ-ｚ]/u.test(character)) return 'full_width';
  if (character === '\u3000' || (character === ' ' && before === ' ')) return 'other_blank';
  return SELECTOR.test(character) ? 'selector' : null;
}

function name(character) {
  if (character === '\u3000') return 'name_blank';
  return SEPARATORS.test(character) ? 'name_separator' : null;
}

function person(character, before, after) {
  const isInner = isHan(before) && isHan(after);
  if (character === '\u00b7') return before === undefined || after === undefined || after === '\u00b7' ? 'name_separator' : null;
  if (!isInner || '()（）'.includes(character)) return null;
  if (character === ' ') return 'name_blank';
  return /[\p{Alphabetic}\p{N}]/u.test(character) || isHan(character) || SELECTOR.test(character) ? null : 'name_separator';
}

/** `kind`: text (several lines), line, number, name, person. */
export function textFault(kind, text) {
  const characters = [...text];
  const fault = written(characters, kind !== 'text');
  if (fault !== null || kind === 'text' || kind === 'line') return fault;
  if (kind === 'number') return first(characters, number);
  return first(characters, name) ?? (kind === 'person' ? first(characters, person) : null);
}
