// The vectors of the first steps of spec/README.md: CBOR, Ed25519, codes and names; and those of texts that are signed.
//
//   node --no-warnings tests/interop/javascript/steps.js spec/vectors

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { fromHex, utf8 } from './bytes.js';
import { Fault, Reader } from './cbor.js';
import { isAmong, isSameName, normalCode, readAsked } from './identifiers.js';
import { PublicKey } from './suite.js';
import { textFault } from './text.js';

const folder = process.argv[2];
if (folder === undefined) {
  console.error('usage: node steps.js FOLDER');
  process.exit(64);
}
const read = (file) => JSON.parse(readFileSync(join(folder, file), 'utf8'));

/** Reads one item whatever it is. */
function skip(reader) {
  const kind = reader.kind();
  if (kind === 'array') for (let left = reader.array(); left > 0; left -= 1) skip(reader);
  else if (kind === 'map') for (const _ of reader.map()) skip(reader);
  else if (kind === 'null') reader.isNull();
  else if (kind === 'tag') reader.tag(18);
  else reader[kind]();
}

function faultOf(hex) {
  const reader = new Reader(fromHex(hex));
  try {
    skip(reader);
    reader.end();
    return null;
  } catch (fault) {
    if (!(fault instanceof Fault)) throw fault;
    return fault.kind;
  }
}

/** Whether this key may be imported and its signature is good; null if it may not. */
async function accepts(key, message, signature) {
  const imported = await PublicKey.import(key).catch((fault) => (fault instanceof Fault ? null : Promise.reject(fault)));
  return imported === null ? null : imported.verifies(message, signature);
}

const results = [];
const step = (name, good, all) => {
  results.push(good === all && all > 0);
  console.log(`${name}: ${good} of ${all}`);
};
const count = (items, holds) => items.filter(holds).length;

const broken = read('rfc8949/appendix_f1_not_well_formed.json').not_well_formed_hex;
step('CBOR that is not well-formed', count(broken, (hex) => faultOf(hex) !== null), broken.length);
const loose = read('rfc8949/deterministic_negative.json').must_reject;
step('CBOR that is not deterministic', count(loose, ({ hex }) => faultOf(hex) === 'NOT_CONFORMANT'), loose.length);

let [good, all] = [0, 0];
for (const { publicKey, tests } of read('ed25519/wycheproof/ed25519_test.json').testGroups) {
  for (const test of tests) {
    const accepted = await accepts(fromHex(publicKey.pk), fromHex(test.msg), fromHex(test.sig));
    good += Number((accepted === true) === (test.result === 'valid'));
    all += 1;
  }
}
step('signatures of Wycheproof', good, all);
const strange = read('ed25519/cctv/ed25519vectors.json');
const answers = [];
for (const { key, msg, sig } of strange) answers.push(await accepts(fromHex(key), utf8(msg), fromHex(sig)));
// The import check refuses 886 of these keys; of what it leaves, one signature is good (suite.md).
const isAsMany = count(answers, (one) => one === null) === 886 && count(answers, (one) => one === true) === 1;
step('strange keys and signatures of CCTV', isAsMany ? strange.length : 0, strange.length);

const asked = read('identifiers/asked.json');
step('codes in their normal form', count(asked.normal, ([typed, normal]) => normalCode(typed) === normal), asked.normal.length);
const isParsed = ({ type, code, kind, fault }) => {
  const found = readAsked(type, code);
  return fault === undefined ? found !== null && found.type === kind : found === null;
};
step('codes that people type', count(asked.codes, isParsed), asked.codes.length);
const WORDS = { same: 'Yes', another: 'No', unclear: 'Unclear' };
const isHolder = ({ asked: [type, code], held, is }) =>
  WORDS[isAmong(readAsked(type, code), held.map(([own]) => own ?? undefined), held.map(([, own]) => own))[0]] === is;
step('holders', count(asked.holders, isHolder), asked.holders.length);
step('names', count(asked.names, ({ a, b, same }) => isSameName(a, b) === same), asked.names.length);
const texts = read('text/texts.json').cases;
const isBroken = ({ kind, text, rule, at }) => {
  const [foundRule, foundAt] = textFault(kind, text) ?? [null, null];
  return foundRule === rule && foundAt === at;
};
step('texts that are signed', count(texts, isBroken), texts.length);
process.exit(results.every(Boolean) ? 0 : 1);
