// The catalogue: reading it, and what it says of a licence (spec/catalogue.md).

import { compareTexts } from './bytes.js';
import { notConformant, Reader } from './cbor.js';
import { isSame, Sign1 } from './cose.js';
import { isHolderType, isPlainCode } from './identifiers.js';
import { isVct } from './licence.js';
import { day } from './time.js';
import { ROLE, standingFault } from './trust.js';

const LONGEST = 4194304;
const [CODE, NAME, OPTION] = [64, 200, 100];
const [TEXT, DATE, UINT, BOOL, LIST, DIGEST, TABLE] = [1, 2, 3, 4, 5, 6, 7];

const code = (r) => r.shortText(CODE);
const name = (r) => r.shortText(NAME);
const fieldKey = (r) => r.within(0, 255);
const keys = (fewest) => (r) => r.list(fewest, 64, fieldKey);

function date(reader) {
  const days = day(reader.shortText(10));
  if (days === null) throw notConformant('a date names no real day');
  return days;
}

function metadata(reader) {
  let pairs = 0;
  for (const key of reader.map()) {
    if (typeof key !== 'string' || key === '' || [...key].length > NAME || (pairs += 1) > 64) throw notConformant('metadata over its limits');
    reader.shortText(1000);
  }
}

function field(reader) {
  reader.arrayOf(5);
  const [key, kind, , flags, max] = [fieldKey(reader), reader.within(1, 7), name(reader), reader.within(0, 7), reader.within(0, 4096)];
  return { key, kind, isRequired: (flags & 1) === 1, max, options: [] };
}

const byField = (value) => (reader) => {
  const pairs = [];
  for (const key of reader.intMap()) {
    if (key < 0 || key > 255) throw notConformant('a field key is out of range');
    pairs.push([key, value(reader)]);
  }
  if (pairs.length === 0) throw notConformant('an empty map in a revision');
  return pairs;
};

function revision(reader) {
  const found = reader.closed({
    1: (r) => r.uint(), 2: (r) => r.list(1, 64, field), 3: (r) => r.within(1, 3155760000), 4: date, 5: byField(name),
    6: byField((r) => r.list(1, 64, (own) => own.shortText(OPTION))),
  }, [1, 2, 3]);
  const fields = new Map(found[2].map((own) => [own.key, own]));
  for (const [key] of [...(found[5] ?? []), ...(found[6] ?? [])]) {
    if (!fields.has(key)) throw notConformant('a revision names a field that it does not list');
  }
  for (const [key, options] of found[6] ?? []) fields.get(key).options = options;
  return { number: found[1], listed: found[2], fields, longestLifeS: found[3] };
}

function licenceType(reader) {
  const found = reader.closed({ 1: code, 2: name, 3: (r) => r.list(1, 64, revision), 4: metadata }, [1, 2, 3]);
  return { vct: found[1], revisions: found[3] };
}

function constraint(reader) {
  const items = reader.array();
  if (items < 4 || items > 67) throw notConformant('a constraint has too few or too many items');
  const [vct, key, kind] = [code(reader), fieldKey(reader), reader.uint()];
  if (kind !== 1 && items !== 4) throw notConformant('a constraint has more than one value');
  const read = { 1: (r) => r.shortText(OPTION), 2: (r) => r.shortText(OPTION), 3: (r) => r.uint(), 4: (r) => r.uint(), 5: date, 6: date }[kind];
  if (read === undefined) throw notConformant('an unknown comparison');
  return { vct, key, kind, values: Array.from({ length: items - 3 }, () => read(reader)) };
}

const pairOf = (fewest) => (reader) => (reader.arrayOf(2), { vct: code(reader), keys: keys(fewest)(reader) });

function material(reader) {
  const found = reader.closed({
    1: code, 2: name, 3: (r) => r.within(1, 6), 4: (r) => r.list(1, 64, code), 5: (r) => r.list(1, 64, pairOf(0)),
    6: (r) => r.within(1, 36525), 7: (r) => r.list(1, 64, constraint), 8: name,
  }, [1, 2, 3, 4, 5]);
  return {
    code: found[1], role: found[3], regions: found[4], alternatives: found[5], maxAgeDays: found[6] ?? null,
    constraints: found[7] ?? [],
  };
}

function period(reader) {
  reader.arrayOf(2);
  const [from, until] = [0, 1].map(() => (reader.isNull() ? null : date(reader)));
  if (from === null && until === null) throw notConformant('a period without a date');
  return [from, until];
}

function choice(reader) {
  reader.arrayOf(2);
  return { name: name(reader), ways: reader.list(2, 16, (r) => r.list(1, 16, code)) };
}

function serviceItem(reader) {
  const found = reader.closed({
    1: code, 2: name, 3: (r) => r.list(1, 64, pairOf(1)), 4: (r) => r.within(1, 86400), 5: (r) => r.shortText(200),
    6: (r) => r.list(1, 64, material), 7: (r) => r.within(1, 3), 8: period, 9: (r) => r.list(1, 16, choice), 10: metadata,
  }, [1, 2, 3, 4]);
  return {
    code: found[1], accepts: found[3], longestViewLifeS: found[4], materials: found[6] ?? [],
    inForce: found[8] ?? [null, null], choices: found[9] ?? [],
  };
}

const rule = (holds, what) => {
  if (!holds) throw notConformant(what);
};
const ascend = (texts) => texts.every((text, at) => at === 0 || compareTexts(texts[at - 1], text) < 0);
const climb = (numbers) => numbers.every((number, at) => at === 0 || numbers[at - 1] < number);
const distinct = (items) => new Set(items).size === items.length;

/** §3, 2 and 3. */
function checkType(type) {
  rule(isVct(type.vct), 'a vct of another form');
  type.revisions.forEach((own, at) => {
    rule(own.number === at + 1, 'revisions are not numbered 1, 2, 3');
    rule(climb(own.listed.map((one) => one.key)), 'fields are doubled or not ascending');
    rule([0, 1, 2, 3, 5, 7, 8].every((key) => own.fields.has(key)), 'a revision lacks a common field');
    for (const { kind, options } of own.listed.filter((one) => one.options.length > 0)) {
      rule((kind === TEXT || kind === LIST) && distinct(options), 'options that cannot be');
    }
  });
}

const COMPARED = { 1: [TEXT, LIST], 2: [TEXT, LIST], 3: [UINT], 4: [UINT], 5: [DATE], 6: [DATE] };

/** §3, 5 and 6. */
function checkMaterial(content, item, own) {
  rule(own.regions.every((region) => region === '*' || /^[0-9]{2,12}$/.test(region)), 'a region that is none');
  rule(distinct(own.alternatives.map((one) => one.vct)), 'a material names one type twice');
  for (const one of own.alternatives) {
    const accepted = item.accepts.find((other) => other.vct === one.vct);
    rule(accepted !== undefined, 'a material names a type that the item does not accept');
    rule(climb(one.keys) && one.keys.every((key) => accepted.keys.includes(key)), 'required keys that the item may not see');
  }
  for (const { vct, key, kind } of own.constraints) {
    rule(own.alternatives.find((one) => one.vct === vct)?.keys.includes(key), 'a constraint on what is not required');
    const kinds = content.types.get(vct).revisions.flatMap((one) => one.fields.get(key)?.kind ?? []);
    rule(kinds.every((one) => COMPARED[kind].includes(one)), 'a field of this kind cannot be compared so');
  }
}

/** §3, 7. */
function checkChoices(item) {
  rule(ascend(item.choices.map((one) => one.name)), 'choices are doubled or not ascending');
  const codes = item.choices.map((one) => new Set(one.ways.flat()));
  item.choices.forEach((one, at) => {
    rule(one.ways.every(ascend), 'materials of a way are not ascending');
    rule([...codes[at]].every((own) => item.materials.some((other) => other.code === own)), 'a choice of an unknown material');
    rule(!codes.slice(0, at).some((before) => [...codes[at]].some((own) => before.has(own))), 'a material in two choices');
  });
}

/** §3, 4. */
function checkItem(content, item) {
  rule(distinct(item.accepts.map((one) => one.vct)), 'a service item accepts one type twice');
  for (const one of item.accepts) {
    const type = content.types.get(one.vct);
    rule(type !== undefined, 'a service item names an unknown type');
    rule(climb(one.keys) && one.keys.includes(0) && one.keys.includes(7), 'keys of a service item');
    rule(one.keys.every((key) => type.revisions.some((own) => own.fields.has(key))), 'a field that the type does not have');
  }
  rule(ascend(item.materials.map((one) => one.code)), 'materials are doubled or not ascending');
  const [from, until] = item.inForce;
  rule(from === null || until === null || from <= until, 'a service item ends before it begins');
  checkChoices(item);
  item.materials.forEach((own) => checkMaterial(content, item, own));
}

function readContent(payload) {
  const reader = new Reader(payload);
  const found = reader.closed({
    1: (r) => r.uint(), 2: (r) => r.time(), 3: (r) => (r.isNull() ? null : r.bytesOf(32)), 4: (r) => r.time(),
    5: (r) => r.list(0, 4096, licenceType), 6: (r) => r.list(0, 16384, serviceItem),
  }, [1, 2, 3, 4, 5, 6]);
  reader.end();
  rule(found[1] >= 1 && (found[1] === 1) === (found[3] === null), 'version 1 alone has no previous digest');
  rule(ascend(found[5].map((type) => type.vct)), 'types are doubled or not ascending');
  rule(ascend(found[6].map((item) => item.code)), 'service items are doubled or not ascending');
  const content = {
    version: found[1], issuedAt: found[2],
    types: new Map(found[5].map((type) => [type.vct, type])), items: new Map(found[6].map((item) => [item.code, item])),
  };
  found[5].forEach(checkType);
  found[6].forEach((item) => checkItem(content, item));
  return content;
}

/** §4, `open`: the catalogue, or null if it does not hold under this list. Throws a Fault of its format. */
export async function openCatalogue(bytes, list, now) {
  const object = Sign1.parseTyped(bytes, LONGEST, 'application/elicence-catalogue+cbor');
  const content = readContent(object.payload);
  if (!object.isOfAllowedAlgorithm || content.issuedAt > now + 60) return null;
  const listed = list.entries.flatMap((entry) => entry.keys).filter((key) => isSame(key.key.kid, object.kid));
  for (const key of listed) {
    if (!(await object.verifiesUnder(key.key))) continue;
    if (standingFault(key, ROLE.catalogue, content.issuedAt) !== null) return null;
    return { ...content, digest: await object.statementDigest() };
  }
  return null;
}

const isText = (value) => typeof value === 'string';
const isTold = (value) => isText(value) && /\P{White_Space}/u.test(value);
const isDay = (value) => isText(value) && day(value) !== null;
const isListOf = (value, fits) => Array.isArray(value) && value.every(fits);
const isHash = (value) => isText(value) && /^[0-9a-fA-F]{64}$/.test(value);

function isAttachment(row) {
  if (!Array.isArray(row) || row.length !== 3 || !row.every(isText)) return false;
  const [media, sha256, sm3] = row;
  return /^[\x21-\x2e\x30-\x7e]+\/[\x21-\x7e]+$/.test(media) && isHash(sha256) && (sm3 === '' || isHash(sm3));
}

/** Forms of the common items (credential.md). */
const FORMS = {
  0: () => true,
  1: (value) => isText(value) && /^1\.2\.156\.3005\.2\.[\x21-\x7e]+$/.test(value) && value.length <= 128,
  2: isTold,
  3: (value) => isListOf(value, isTold),
  4: (value) => isListOf(value, isHolderType),
  5: (value) => isListOf(value, (one) => isText(one) && isPlainCode(one)),
  6: isTold,
  7: (value) => isText(value) && /^[0-9]{6,12}$/.test(value),
  8: isDay,
  9: isDay,
  10: isDay,
  11: (value) => typeof value === 'number' && value >= 0,
  12: (value) => value instanceof Uint8Array && value.length === 32,
  13: (value) => isListOf(value, isAttachment),
};

function haveCommonForms(fields) {
  for (const [key, value] of fields) {
    if (key <= 23 && !(FORMS[key]?.(value) ?? false)) return false;
  }
  const counts = [3, 4, 5].filter((key) => fields.has(key)).map((key) => fields.get(key).length);
  return counts.every((count) => count >= 1 && count === counts[0]);
}

const KINDS = {
  [TEXT]: isText,
  [DATE]: isDay,
  [UINT]: (value) => typeof value === 'number' && value >= 0,
  [BOOL]: (value) => typeof value === 'boolean',
  [LIST]: (value) => isListOf(value, isText),
  [DIGEST]: (value) => value instanceof Uint8Array && value.length === 32,
  [TABLE]: (value) => isListOf(value, (row) => isListOf(row, isText)),
};

const isWithin = (value, max) =>
  isText(value) ? [...value].length <= max : !Array.isArray(value) || value.every((one) => isWithin(one, max));

function isValue(own, value) {
  if (!KINDS[own.kind](value) || (own.max > 0 && !isWithin(value, own.max))) return false;
  return own.options.length === 0 || [value].flat().every((one) => own.options.includes(one));
}

/** Whether the fields of a licence are those of the revision. */
export function fits(own, fields) {
  const areListed = [...fields].every(([key, value]) => own.fields.has(key) && isValue(own.fields.get(key), value));
  return areListed && own.listed.every((one) => !one.isRequired || fields.has(one.key)) && haveCommonForms(fields);
}

/** Whether the fields of a view are such as the item permits. */
export function fitsView(own, fields, permitted) {
  const arePermitted = [...fields].every(
    ([key, value]) => permitted.includes(key) && own.fields.has(key) && isValue(own.fields.get(key), value),
  );
  return arePermitted && fields.has(0) && fields.has(7) && haveCommonForms(fields);
}

function holds({ kind, values }, value) {
  const texts = [value].flat().filter(isText);
  const days = isDay(value) ? day(value) : null;
  switch (kind) {
    case 1:
      return texts.some((text) => values.includes(text));
    case 2:
      return texts.some((text) => text.includes(values[0]));
    case 3:
      return typeof value === 'number' && value >= values[0];
    case 4:
      return typeof value === 'number' && value >= 0 && value <= values[0];
    case 5:
      return days !== null && days >= values[0];
    default:
      return days !== null && days <= values[0];
  }
}

/** §2, 2 to 5 of a material: how far a licence came, and the code of what it lacks; null if it lacks nothing. */
function lackOf(own, vct, fields, today) {
  const taken = own.alternatives.find((one) => one.vct === vct);
  if (taken === undefined) return [0, 'TYPE_NOT_ACCEPTED'];
  if (!taken.keys.every((key) => fields.has(key))) return [1, 'FIELD_MISSING'];
  const constraints = own.constraints.filter((one) => one.vct === vct);
  if (!constraints.every((one) => fields.has(one.key) && holds(one, fields.get(one.key)))) return [2, 'FIELD_CONSTRAINT_FAILED'];
  if (own.maxAgeDays !== null) {
    const issued = fields.get(8);
    if (!isDay(issued)) return [1, 'FIELD_MISSING'];
    if (today - day(issued) > own.maxAgeDays) return [3, 'FIELD_CONSTRAINT_FAILED'];
  }
  const area = fields.get(7) ?? '';
  return own.regions.some((region) => region === '*' || area.startsWith(region)) ? null : [4, 'FIELD_CONSTRAINT_FAILED'];
}

/** Whether a licence of this type can serve the item at all. */
export const takes = (item, vct) =>
  item.accepts.some((one) => one.vct === vct) &&
  (item.materials.length === 0 || item.materials.some((own) => own.alternatives.some((one) => one.vct === vct)));

/** Whether the item wants licences of this type of somebody in this role. */
export const wantsOf = (item, vct, role) =>
  item.materials.length === 0
    ? role === 1 && takes(item, vct)
    : item.materials.some((own) => own.role === role && own.alternatives.some((one) => one.vct === vct));

/** verify.md §9, 3: the code of what the licence lacks for the item, or null. */
export function demandFault(item, vct, fields, today, role) {
  if (!takes(item, vct)) return 'TYPE_NOT_ACCEPTED';
  const [from, until] = item.inForce;
  if ((from !== null && today < from) || (until !== null && today > until)) return 'POLICY_UNAVAILABLE';
  const only = role !== null && wantsOf(item, vct, role) ? role : null;
  const lacks = item.materials.filter((own) => only === null || own.role === only).map((own) => lackOf(own, vct, fields, today));
  if (lacks.length === 0 || lacks.includes(null)) return null;
  return lacks.reduce((nearest, lack) => (lack[0] >= nearest[0] ? lack : nearest))[1];
}
