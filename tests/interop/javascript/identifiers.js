// Codes and names of holders: what is a possible code, and who is the same (spec/identifiers.md §2, §5).

import { concat, equal, sha256, utf8 } from './bytes.js';
import { day } from './time.js';

const TYPES = '001 099 111 114 115 118 119 120 122 411 412 413 414 511 516 999'.split(' ');
const [CREDIT_CODE, RESIDENT_ID] = ['001', '111'];
const isOrganisation = (type) => type === '001' || type === '099';
const DOTS = new Set(
  '2022 2023 2024 2027 2043 204C 204D 2219 22C4 22C5 25AA 25CF 25E6 26AB 2981 2E30 2E31 2E33 3002 30FB 318D 16EB 1427 A78F FE52 FF0E FF61 FF65 10101'
    .split(' ').map((point) => String.fromCodePoint(Number.parseInt(point, 16))),
);
const trim = (text) => text.replace(/^[\p{White_Space}\ufeff]+|[\p{White_Space}\ufeff]+$/gu, '');

/** §5.1: half width, without blanks around, capitals. */
export function normalCode(text) {
  const narrow = text.replace(/[\uff01-\uff5e\u3000]/g, (c) => (c === '\u3000' ? ' ' : String.fromCharCode(c.charCodeAt(0) - 0xfee0)));
  return trim(narrow).replace(/[a-z]/g, (c) => c.toUpperCase());
}

const normalName = (text) => [...trim(text).normalize('NFC')].map((c) => (DOTS.has(c) ? '\u00b7' : c)).join('');
export const isSameName = (a, b) => normalName(a) === normalName(b);

const value36 = (character) => Number.parseInt(character, 36);
const GB32100 = '0123456789ABCDEFGHJKLMNPQRTUWXY';
const sum = (text, weights, value) => weights.reduce((total, weight, at) => total + value(text[at]) * weight, 0);

/** GB 11714, the inner nine characters. */
function isOrganisationCode(text) {
  const digit = 11 - (sum(text, [3, 7, 9, 10, 5, 8, 4, 2], value36) % 11);
  return (digit === 10 ? 'X' : digit === 11 ? '0' : String(digit)) === text[8];
}

/** GB 32100. */
function isCreditCode(text) {
  if (!/^[0-9A-HJ-NP-RTUW-Y]{2}[0-9]{6}[0-9A-HJ-NP-RTUW-Y]{10}$/.test(text)) return false;
  let [total, weight] = [0, 1];
  for (const character of text.slice(0, 17)) {
    total += GB32100.indexOf(character) * weight;
    weight = (weight * 3) % 31;
  }
  return isOrganisationCode(text.slice(8, 17)) && GB32100[(31 - (total % 31)) % 31] === text[17];
}

/** GB 11643. */
function isResidentId(text) {
  if (!/^[0-9]{17}[0-9X]$/.test(text)) return false;
  const born = `${text.slice(6, 10)}-${text.slice(10, 12)}-${text.slice(12, 14)}`;
  const total = sum(text, [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2], Number);
  return born >= '1800' && day(born) !== null && '10X98765432'[total % 11] === text[17];
}

const UNSEEN = /[\p{White_Space}\p{Cc}\ufeff\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufffd\ue000-\uf8ff\u{e0000}-\u{e007f}\u{f0000}-\u{10ffff}]/u;

/** 1 to 64 characters, none blank, control or invisible. */
export const isPlainCode = (text) => text !== '' && [...text].length <= 64 && !UNSEEN.test(text);

function isPossible(type, code) {
  if (type === CREDIT_CODE) return isCreditCode(code);
  return type === RESIDENT_ID ? isResidentId(code) : isPlainCode(code);
}

/** The type of a code whose type was left out: 001, 111, null for neither; undefined if it is no possible code. */
function derived(code) {
  const [isCredit, isResident] = [isCreditCode(code), isResidentId(code)];
  if (isCredit !== isResident) return isCredit ? CREDIT_CODE : RESIDENT_ID;
  if (isCredit) return null;
  return /^[0-9A-Za-z]{18}$/.test(code) || !isPlainCode(code) ? undefined : null;
}

/** What was asked about, or null if it is no possible code. */
export function readAsked(codeType, code) {
  const named = codeType === null ? null : normalCode(codeType);
  if (named !== null && !TYPES.includes(named)) return null;
  const text = normalCode(code);
  if (text === '') return null;
  const isOld = /^[0-9]{15}$/.test(text) && (named === null || named === RESIDENT_ID);
  if (isOld) return { type: named, text, isNamed: named !== null, isOld };
  if (named !== null) return isPossible(named, text) ? { type: named, text, isNamed: true, isOld } : null;
  const type = derived(text);
  return type === undefined ? null : { type, text, isNamed: false, isOld };
}

/** The table of §5.1 for one holder: `same`, `another`, `apart` or `unclear`. */
function compareWith(asked, heldType, heldCode) {
  const held = normalCode(heldCode);
  const isSame = held === asked.text;
  const type = heldType === undefined ? derived(held) ?? null : TYPES.includes(heldType) ? heldType : null;
  if (isSame && (type === null || !asked.isNamed)) return 'same';
  if (asked.type === null || type === null) return 'unclear';
  if (asked.type === type) {
    if (isSame) return 'same';
    return asked.isOld || !isPossible(type, held) ? 'unclear' : 'another';
  }
  return isOrganisation(asked.type) === isOrganisation(type) ? 'unclear' : 'apart';
}

/** @returns {[string, number]} the answer for all holders, and the place of the one who is the same. */
export function isAmong(asked, types, codes) {
  const answers = codes.map((code, at) => compareWith(asked, types[at], code));
  const at = answers.indexOf('same');
  if (at >= 0) return ['same', at];
  return [answers.includes('another') && !answers.includes('unclear') ? 'another' : 'unclear', -1];
}

/** Whether the mark of a view (view.md §1) is of this person. */
export async function isMarkOf(mark, cti, codeType, code) {
  for (const type of codeType === null ? TYPES : [normalCode(codeType)]) {
    const digest = await sha256(concat(utf8('elic-holder\n'), cti, utf8(`${type}\n${normalCode(code)}`)));
    if (equal(digest, mark)) return true;
  }
  return false;
}

export const isHolderType = (type) => TYPES.includes(type);
