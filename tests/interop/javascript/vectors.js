// Answers every verdict vector (spec/vectors/verdict/README.md) and compares to the byte.
//
//   node --no-warnings tests/interop/javascript/vectors.js spec/vectors/verdict

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { equal, fromHex, sha256, utf8 } from './bytes.js';
import { load } from './evidence.js';
import { asking, notFound, POLICIES, verify, verifyQr } from './verify.js';

const folder = process.argv[2];
if (folder === undefined) {
  console.error('usage: node vectors.js FOLDER');
  process.exit(64);
}
const read = (file) => JSON.parse(readFileSync(join(folder, file), 'utf8'));

/** A member that this reader does not know would be a question that it does not ask: it is refused. */
function only(value, ...members) {
  const unknown = Object.keys(value).filter((member) => !members.includes(member));
  if (unknown.length > 0) throw new Error(`unknown members: ${unknown.join(', ')}`);
  return value;
}

const [objects, proofs, evidence] = [read('objects.json'), read('proofs.json'), read('evidence.json')];
const vectors = [...read('codes.json'), ...read('precedence.json')];
const lines = readFileSync(join(folder, 'verdicts.txt'), 'utf8').split('\n').slice(0, -1);
const verdicts = new Map(lines.map((line) => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)]));

async function bundle(name) {
  const parts = new Map();
  for (const [path, digest] of Object.entries(evidence.bundles[name])) {
    const bytes = fromHex(evidence.parts[digest]);
    if (!equal(await sha256(bytes), fromHex(digest))) throw new Error('a part has another digest than its name');
    parts.set(path, bytes);
  }
  return parts;
}

async function pinnedOf({ pinned }, parts) {
  if (pinned === 'none') return null;
  if (pinned !== undefined && !pinned.includes('/')) return fromHex(pinned);
  const root = parts.get(pinned ?? 'trust/root_1.cbor');
  return root === undefined ? null : sha256(root);
}

function subjectOf(subject) {
  if (subject === undefined) return null;
  only(subject, 'code_type', 'code', 'name');
  return { role: 1, codeType: subject.code_type ?? null, code: subject.code, name: subject.name ?? null };
}

function lookUpOf(log) {
  if (log?.found === undefined) return log ?? null;
  const { origin, place } = only(only(log, 'found').found, 'origin', 'place');
  if (place === undefined) return { found: { origin } };
  only(place, 'index', 'size', 'root');
  return { found: { origin, place: { ...place, root: fromHex(place.root) } } };
}

function questionOf(question = {}) {
  only(question, 'wanted', 'log_proof', 'log', 'subject', 'service_item', 'case_number', 'audience');
  return {
    wanted: question.wanted ?? null,
    logProof: question.log_proof === undefined ? null : utf8(proofs[question.log_proof]),
    log: lookUpOf(question.log),
    subject: subjectOf(question.subject),
    serviceItem: question.service_item ?? null,
    caseNumber: question.case_number ?? null,
    audience: question.audience ?? null,
  };
}

async function answer(vector) {
  only(vector, 'name', 'rule', 'presented', 'evidence', 'seen', 'pinned', 'policy', 'question', 'now', 'outcome', 'code', 'codes', 'warnings');
  const now = Date.parse(vector.now) / 1000;
  const policy = POLICIES[vector.policy];
  const parts = await bundle(vector.evidence);
  const pinned = await pinnedOf(vector, parts);
  const isSeen = vector.seen !== undefined && !policy.isPast;
  const before = isSeen ? await load(await bundle(vector.seen), pinned, null, now) : null;
  const at = asking(await load(parts, pinned, before, now), policy, questionOf(vector.question), now);
  const object = only(objects[vector.presented], 'hex', 'qr', 'fetched', 'number');
  if (object.hex !== undefined) return verify(fromHex(object.hex), at);
  if (object.qr !== undefined) return verifyQr(object.qr, null, at);
  if (object.fetched !== undefined) return verifyQr(object.fetched.reference, fromHex(object.fetched.hex), at);
  return notFound(at);
}

/** What the vector states beside the whole verdict must be what the verdict says. */
function statesWhat(vector, json) {
  const { outcome, code, checks, warnings } = JSON.parse(json);
  const codes = checks.map((check) => check.code).filter((one) => one !== null);
  return JSON.stringify([outcome, code, codes, warnings]) === JSON.stringify([vector.outcome, vector.code, vector.codes, vector.warnings]);
}

let good = 0;
for (const vector of vectors) {
  const [expected, found] = [verdicts.get(vector.name), await answer(vector)];
  if (expected === found && statesWhat(vector, found)) good += 1;
  else console.error(`${vector.name}:\n  expected ${expected}\n  found    ${found}`);
}
console.log(`${good} of ${vectors.length}`);
process.exit(good === vectors.length && good === verdicts.size && good > 0 ? 0 : 1);
