// verify(presented, evidence, policy, now): spec/verify.md, group by group.
//
// In scope: the judgement. Out of scope: how evidence is had (evidence.js), what a verdict looks like (verdict.js).

import { equal, sha256 } from './bytes.js';
import { demandFault, fits, fitsView, takes, wantsOf } from './catalogue.js';
import { Fault } from './cbor.js';
import { isAmong, isMarkOf, isSameName, readAsked } from './identifiers.js';
import { isOneOfOurs, kindOf } from './kind.js';
import { parse, uriHost } from './licence.js';
import { checkProof, isCosignedBefore, issuedEntry, leafHash, readProof } from './log.js';
import { readQr } from './qr.js';
import { valueOf } from './status.js';
import { civilDay } from './time.js';
import { entryOf, hasTime, isFresh, isRetiredBy, keysWith, ROLE, scopeFault } from './trust.js';
import { Record, verdictJson } from './verdict.js';

const SKEW_S = 60;
const SOON_S = 2592000;

/** spec/policy.md §1. */
export const POLICIES = {
  approval: { id: 'approval', version: 2, graceS: 0, isProofRequired: false, logWantedAfterS: 600, isPast: false },
  counter: { id: 'counter', version: 1, graceS: 86400, isProofRequired: false, logWantedAfterS: null, isPast: false },
  archive: { id: 'archive', version: 1, graceS: 0, isProofRequired: true, logWantedAfterS: null, isPast: true },
};

function basisOf({ evidence, policy, now }) {
  const { trust, catalogue } = evidence;
  return { now, policy, trust: trust.held ?? null, token: null, log: null, catalogue };
}

/** An answer that stops before anything of a licence was judged. */
function stopped(code, at, kind = null) {
  const record = new Record();
  record.stopEarly(code);
  return verdictJson(record, null, kind, basisOf(at));
}

/** §10; the entry and the key that signed, or null if the record was stopped. */
async function checkSignature(at, licence, record) {
  const { evidence } = at;
  const refuse = (code) => {
    record.skip('CRYPTO');
    record.stop(code);
    return null;
  };
  if (!licence.object.isOfAllowedAlgorithm) return record.stop('ALGORITHM_FORBIDDEN') ?? null;
  if (evidence.trust.refused !== undefined) return refuse(evidence.trust.refused);
  const list = evidence.trust.held?.list ?? null;
  if (list === null) return refuse('TRUST_LIST_UNAVAILABLE');
  const entry = entryOf(list, licence.iss);
  const keys = entry === null ? [] : keysWith(entry, licence.object.kid);
  if (keys.length === 0) return refuse(at.isFresh ? 'ISSUER_NOT_LISTED' : 'ISSUER_UNKNOWN_LIST_STALE');
  for (const key of keys) {
    if (await licence.object.verifiesUnder(key.key)) {
      record.pass('CRYPTO');
      return { entry, key };
    }
  }
  return record.stop('SIGNATURE_INVALID') ?? null;
}

/** §14, 1: `{absent}`, `{code}`, or the proof that passed with its cosigners. */
async function judgeProof(at, licence) {
  const bytes = at.question.logProof ?? licence.object.logProof;
  const list = at.evidence.trust.held?.list ?? null;
  if (bytes === null || list === null) return { absent: true };
  const unlisted = at.isFresh ? { code: 'LOG_PROOF_INVALID' } : { absent: true };
  let proof;
  try {
    proof = await readProof(bytes);
  } catch (fault) {
    if (!(fault instanceof Fault)) throw fault;
    return { code: 'LOG_PROOF_INVALID' };
  }
  const entry = entryOf(list, licence.licenceIssuer);
  if (entry === null) return unlisted;
  const { origin, size, root } = proof.checkpoint;
  const logs = entry.logs.filter((log) => log.origin === origin && hasTime(log, licence.licenceIat));
  const seen = at.evidence.heads.get(origin)?.find((head) => head.size === size) ?? null;
  const leaf = await leafHash(issuedEntry(licence.licenceIat, licence.licence));
  const answer = await checkProof(proof, leaf, logs, list.policy, seen);
  if (answer.isNotSigned) return unlisted;
  if (answer.code !== undefined) return answer;
  const isBefore = (time) => isCosignedBefore(proof, list.policy, time);
  let isDated = seen !== null;
  for (const log of logs) isDated ||= log.until === null || at.now < log.until || (await isBefore(log.until));
  return isDated ? { origin, size, root, index: proof.index, digest: await sha256(bytes), cosigners: answer.cosigners, isBefore } : { absent: true };
}

/** trust-list.md §7: the code of a compromised key, or null if the licence is shown to be older. */
async function cutFault(key, log) {
  const { index, tree } = key.cut;
  if (log.origin === undefined) return 'KEY_COMPROMISED_NO_PROOF';
  const isOfThisLog = tree === null || tree.origin === log.origin;
  if (isOfThisLog && log.index >= BigInt(index)) return 'KEY_COMPROMISED_AFTER_CUT';
  const isThisTree = tree !== null && isOfThisLog && log.size === BigInt(index) && equal(log.root, tree.root);
  return isThisTree || (await log.isBefore(key.since)) ? null : 'KEY_COMPROMISED_NO_PROOF';
}

/** §11. */
async function checkIssuer(at, licence, { entry, key }, log, record) {
  const files = at.evidence.trust.held;
  const source = { digest: files.list.digest, time: files.timestamp.iat };
  if (!at.isFresh) return record.found('TRUST_LIST_EXPIRED', source);
  if (!isFresh(files, at.now, 0)) record.warn('GRACE_USED');
  if (entry.successor !== null) record.warn('ISSUER_SUCCEEDED');
  const area = licence.fields.get(7);
  const role = licence.isView ? ROLE.view : ROLE.licence;
  let code = scopeFault(key, role, licence.vct, typeof area === 'string' ? area : null, licence.iat);
  if (code === null && isRetiredBy(key, licence.iat)) code = 'KEY_NOT_VALID_AT_ISSUE';
  if (code === null && key.cut !== null) code = licence.isView ? 'KEY_COMPROMISED_AFTER_CUT' : await cutFault(key, log);
  if (code === null && entryOf(files.list, licence.licenceIssuer) === null) code = 'ISSUER_NOT_LISTED';
  record.group('ISSUER', code === null ? [] : [code], source);
}

/** §12. */
function checkTime(at, licence, record) {
  const { now } = at;
  const codes = [];
  if (licence.nbf !== null && now < licence.nbf) codes.push('NOT_YET_VALID');
  if (!licence.isView && now >= licence.exp) codes.push('EXPIRED');
  const { root, list, timestamp } = at.evidence.trust.held;
  const newest = Math.max(root.iat, list?.iat ?? 0, timestamp?.iat ?? 0);
  if (!at.policy.isPast && now + SKEW_S < newest) codes.push('CLOCK_UNTRUSTED');
  if (licence.iat > now + SKEW_S) codes.push('ISSUED_IN_FUTURE');
  if (codes.length === 0 && !licence.isView && licence.exp - now <= SOON_S) record.warn('EXPIRES_SOON');
  record.group('TIME', codes);
}

const isOfANewerCatalogue = (at, licence) =>
  licence.isView && (at.evidence.catalogue?.version ?? 0) < licence.grounds.catalogueVersion;

/** §7. */
function checkSchema(at, licence, record) {
  const { catalogue } = at.evidence;
  if (catalogue === null) return record.found('SCHEMA_UNAVAILABLE');
  const source = { digest: catalogue.digest, time: catalogue.issuedAt };
  const revision = catalogue.types.get(licence.vct)?.revisions[licence.fields.get(0) - 1];
  const item = licence.isView ? catalogue.items.get(licence.grounds.serviceItem) : undefined;
  if (revision === undefined || (licence.isView && item === undefined)) return record.found('SCHEMA_UNAVAILABLE', source);
  const life = licence.exp - licence.iat;
  const accepted = item?.accepts.find((one) => one.vct === licence.vct);
  const isGood = licence.isView
    ? life <= item.longestViewLifeS && accepted !== undefined && fitsView(revision, licence.fields, accepted.keys)
    : life <= revision.longestLifeS && fits(revision, licence.fields);
  const fault = isOfANewerCatalogue(at, licence) ? 'SCHEMA_UNAVAILABLE' : 'SCHEMA_MISMATCH';
  record.group('SCHEMA', isGood ? [] : [fault], source);
}

/** §13, from the token on; the code, or null. */
function statusFault(at, licence, held, entry, record) {
  const { token, signer, newest } = held;
  const { now, policy } = at;
  if (token.iat > now + SKEW_S && !policy.isPast) return 'STATUS_UNAVAILABLE';
  const isOfIssuer = signer !== null && entry !== null && entry.keys.some((key) => key.key.is(signer));
  if (!isOfIssuer) return 'STATUS_SIGNER_UNTRUSTED';
  if (policy.isPast && !(token.iat <= now && now < token.exp)) return 'STATUS_AS_OF_NOT_COVERED';
  if (now >= token.exp) return 'STATUS_STALE';
  const isOlder = newest !== null && (token.iat < newest.iat || (token.iat === newest.iat && !equal(token.digest, newest.digest)));
  if (isOlder) return 'STATUS_ROLLBACK';
  const value = valueOf(token, licence.status.index);
  if (value === 0) return null;
  const code = value === null ? 'STATUS_INDEX_OUT_OF_RANGE' : ['REVOKED', 'SUSPENDED', 'SUPERSEDED'][value - 1];
  return at.isFresh ? code : 'STATUS_UNAVAILABLE';
}

/** §13; the token that was looked at, or null. */
function checkStatus(at, licence, record) {
  if (licence.status === null) return record.found('STATUS_MISSING') ?? null;
  const entry = entryOf(at.evidence.trust.held?.list, licence.licenceIssuer);
  const isForeign = entry !== null && !entry.hosts.includes(uriHost(licence.status.uri));
  if (isForeign) return record.found('STATUS_SIGNER_UNTRUSTED') ?? null;
  const held = at.evidence.tokens.get(licence.status.uri);
  if (held === undefined) return record.found('STATUS_UNAVAILABLE') ?? null;
  const { token } = held;
  const code = statusFault(at, licence, held, entry, record);
  record.group('STATUS', code === null ? [] : [code], { digest: token.digest, time: token.iat });
  if (at.now - token.iat > token.ttlS && at.now < token.exp) record.warn('STATUS_AGE');
  return token;
}

/** policy.md §2: what a look-up told; the basis, or null. */
function checkLookUp(at, licence, record) {
  const { policy, question } = at;
  if (policy.isProofRequired) return record.found('LOG_PROOF_MISSING') ?? null;
  if (licence.isView) return record.skip('LOG') ?? null;
  const isWanted = policy.logWantedAfterS !== null && at.now - licence.iat > policy.logWantedAfterS;
  if (question.log?.found !== undefined) {
    const { origin, place } = question.log.found;
    record.pass('LOG');
    return { origin, size: place?.size ?? null, index: place?.index ?? null, root: place?.root ?? null, proof: null };
  }
  if (isWanted && question.log === 'missing') return record.found('LOG_ENTRY_MISSING') ?? null;
  if (isWanted && question.log === null) return record.found('LOG_PROOF_MISSING') ?? null;
  record.warn('LOG_PENDING');
  if (isWanted && question.log === 'not_asked') record.warn('LOG_NOT_ASKED');
  return record.skip('LOG') ?? null;
}

/** §14; the basis, or null. */
function checkLog(at, licence, log, record) {
  if (log.absent) return checkLookUp(at, licence, record);
  if (log.code !== undefined) return record.found(log.code) ?? null;
  const times = [...log.cosigners.values()];
  record.pass('LOG', times.length === 0 ? null : { digest: log.digest, time: Math.max(...times) });
  return { origin: log.origin, size: log.size, index: log.index, root: log.root, proof: log.digest };
}

/** §8: the code, or null if the person asked about is a holder. */
async function holderFault(licence, { codeType, code, name }) {
  const texts = (key) => [licence.fields.get(key) ?? []].flat().filter((text) => typeof text === 'string');
  const [names, types, codes] = [texts(3), texts(4), texts(5)];
  const asked = readAsked(codeType, code);
  if (asked === null) return 'SUBJECT_AMBIGUOUS';
  const mark = licence.grounds?.holder ?? null;
  if (codes.length === 0 && mark !== null && (await isMarkOf(mark, licence.cti, codeType, code))) return null;
  const [answer, place] = isAmong(asked, types, codes);
  if (answer === 'another') return 'SUBJECT_MISMATCH';
  if (answer !== 'same') return 'SUBJECT_AMBIGUOUS';
  const isOther = name !== null && names[place] !== undefined && !isSameName(names[place], name);
  return isOther ? 'SUBJECT_AMBIGUOUS' : null;
}

const itemOf = (at) => at.evidence.catalogue?.items.get(at.question.serviceItem);

async function checkSubject(at, licence, record) {
  const { subject } = at.question;
  if (subject === null) return record.skip('SUBJECT');
  const item = itemOf(at);
  const isOfOthers = item !== undefined && takes(item, licence.vct) && !wantsOf(item, licence.vct, subject.role);
  const code = isOfOthers ? 'SUBJECT_NOT_GIVEN' : await holderFault(licence, subject);
  record.group('SUBJECT', code === null ? [] : [code]);
}

/** §9. */
function checkPolicy(at, licence, record) {
  const { question, now } = at;
  if (!licence.isView && question.serviceItem === null) return record.skip('POLICY');
  const codes = [];
  if (licence.isView) {
    const { serviceItem, caseNumber } = licence.grounds;
    if (question.audience !== licence.audience) codes.push('VIEW_AUDIENCE_MISMATCH');
    if (question.serviceItem !== serviceItem || question.caseNumber !== caseNumber) codes.push('VIEW_PURPOSE_MISMATCH');
    if (now >= licence.exp) codes.push('VIEW_EXPIRED');
  }
  if (question.serviceItem !== null) {
    const item = itemOf(at);
    const role = question.subject?.role ?? null;
    const code = item === undefined ? 'POLICY_UNAVAILABLE' : demandFault(item, licence.vct, licence.fields, civilDay(now), role);
    if (code !== null) codes.push(isOfANewerCatalogue(at, licence) ? 'POLICY_UNAVAILABLE' : code);
  }
  record.group('POLICY', codes);
}

const REFUSED = ['VIEW_AUDIENCE_MISMATCH', 'VIEW_PURPOSE_MISMATCH', 'VIEW_EXPIRED', 'AUTHORISATION_MISSING', 'AUTHORISATION_EXPIRED'];

async function judge(at, licence) {
  const record = new Record();
  const basis = basisOf(at);
  record.pass('FORMAT');
  const signed = await checkSignature(at, licence, record);
  if (signed === null) return verdictJson(record, null, null, basis);
  const log = await judgeProof(at, licence);
  await checkIssuer(at, licence, signed, log, record);
  checkTime(at, licence, record);
  checkSchema(at, licence, record);
  basis.token = checkStatus(at, licence, record);
  basis.log = checkLog(at, licence, log, record);
  await checkSubject(at, licence, record);
  checkPolicy(at, licence, record);
  const isShown = !record.checks.some((check) => REFUSED.includes(check.code));
  return verdictJson(record, isShown ? licence : null, null, basis);
}

/** What is asked under a policy (policy.md §3); what is left out is not asked. */
const QUESTION = { wanted: null, logProof: null, log: null, subject: null, serviceItem: null, caseNumber: null, audience: null };

/**
 * Everything that a verification is made by: evidence (evidence.js), a policy of `POLICIES`, a question, and Unix seconds.
 */
export function asking(evidence, policy, question, now) {
  return { evidence, policy, question: { ...QUESTION, ...question }, now, isFresh: isFresh(evidence.trust.held, now, policy.graceS) };
}

/** Judges the bytes of a file. @returns {Promise<string>} the verdict as JSON. */
export async function verify(presented, at) {
  let licence;
  try {
    licence = await parse(presented, at.question.wanted);
  } catch (fault) {
    if (!(fault instanceof Fault)) throw fault;
    const isOurs = fault.kind === 'NOT_CONFORMANT' && isOneOfOurs(presented);
    return stopped(isOurs ? 'NOT_CONFORMANT' : 'UNREADABLE', at, kindOf(presented));
  }
  return judge(at, licence);
}

/** §15: why the host of a reference may not be asked, or null. */
function hostFault(at, host) {
  const { trust } = at.evidence;
  if (trust.refused !== undefined) return trust.refused;
  const list = trust.held?.list ?? null;
  if (list === null) return 'TRUST_LIST_UNAVAILABLE';
  if (list.entries.some((entry) => entry.hosts.includes(host))) return null;
  return at.isFresh ? 'ISSUER_NOT_LISTED' : 'ISSUER_UNKNOWN_LIST_STALE';
}

/** Judges the text of a QR code; `fetched` is what its reference led to, or null if nobody fetched it. */
export async function verifyQr(scanned, fetched, at) {
  const { object, reference, code } = readQr(scanned);
  if (code !== undefined) return stopped(code, at);
  if (object !== undefined) {
    const licence = await parse(object, null).catch(() => null);
    return licence?.object.logProof != null ? stopped('NOT_CONFORMANT', at) : verify(object, at);
  }
  const fault = hostFault(at, reference.host);
  if (fault !== null || fetched === null) return stopped(fault ?? 'NOT_ASKED', at);
  const licence = await parse(fetched, null).catch(() => null);
  const isIt = licence !== null && equal(await licence.object.statementDigest(), reference.digest);
  return isIt ? verify(fetched, at) : notFound(at);
}

/** A number that no register that answered knows. */
export const notFound = (at) => stopped('NOT_FOUND', at);

