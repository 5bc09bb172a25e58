// Trust files and who may speak (spec/trust-list.md).

import { compareTexts, equal, hex, sha256 } from './bytes.js';
import { Fault, notConformant, Reader } from './cbor.js';
import { isAscending, isSame, Signed } from './cose.js';
import { isHost, isVct, uriHost } from './licence.js';
import { readLogKey, speaksFor, WitnessPolicy } from './log.js';
import { PublicKey, readCoseKey } from './suite.js';

const [TYP_ROOT, TYP_LIST, TYP_TIMESTAMP] = ['root', 'list', 'timestamp'].map((name) => `application/elicence-${name}+cbor`);
const [MOST_ROOT, MOST_LIST, MOST_TIMESTAMP] = [262144, 4194304, 16384];
const WEEK_S = 604800;
export const ROLE = { licence: 1, status: 2, catalogue: 3, view: 4, receipt: 5, node: 6 };
const [ACTIVE, RETIRED, COMPROMISED] = [0, 1, 2];

const HEAD = { 1: (r) => r.uint(), 2: (r) => r.time(), 3: (r) => r.time() };

/** The members 1 to 3 that each of the three files has. */
function head(found) {
  if (found[1] < 1 || found[3] <= found[2]) throw notConformant('version 0, or an end before the beginning');
  return { version: found[1], iat: found[2], exp: found[3] };
}

function readWhole(payload, members, required) {
  const reader = new Reader(payload);
  const found = reader.closed({ ...HEAD, ...members }, [1, 2, 3, ...required]);
  reader.end();
  return found;
}

async function open(bytes, cap, typ) {
  return { signed: Signed.parse(bytes, cap, typ), digest: await sha256(bytes) };
}

async function check(signed, role) {
  if ((await signed.count(role.keys)) < role.threshold) throw notConformant('fewer signatures than the role demands');
}

function readRole(reader) {
  reader.arrayOf(2);
  const threshold = reader.uint();
  const keys = reader.list(0, 16, readCoseKey);
  if (threshold === 0 || threshold > keys.length) throw notConformant('a threshold that the keys cannot meet');
  return { threshold, keys };
}

async function importRole({ threshold, keys }) {
  const imported = await Promise.all(keys.map((key) => PublicKey.import(key)));
  if (!isAscending(imported.map((key) => key.kid))) throw notConformant('role keys are doubled or out of order');
  return { threshold, keys: imported };
}

/** What has another version than the next one. */
class Rollback extends Fault {}

/** §1: a root, with its own threshold met, and that of the root before if there is one. */
async function openRoot(bytes, before) {
  const { signed, digest } = await open(bytes, MOST_ROOT, TYP_ROOT);
  if (before !== undefined && equal(digest, before.digest)) return before;
  const found = readWhole(signed.payload, { 4: (r) => r.shortText(64), 5: (r) => r.closed({ 1: readRole, 2: readRole, 3: readRole }, [1, 2, 3]) }, [4, 5]);
  const [root, list, timestamp] = await Promise.all([1, 2, 3].map((role) => importRole(found[5][role])));
  const all = [root, list, timestamp].flatMap((role) => role.keys.map((key) => hex(key.bytes)));
  if (new Set(all).size < all.length) throw notConformant('one key in two roles');
  const own = { ...head(found), name: found[4], root, list, timestamp, digest };
  if (before !== undefined && own.version !== before.version + 1) throw new Rollback('NOT_CONFORMANT', 'not the next root');
  await check(signed, own.root);
  if (before !== undefined) {
    if (own.name !== before.name) throw notConformant('the root is of another trust scheme');
    await check(signed, before.root);
  }
  return own;
}

async function openTimestamp(bytes, root) {
  const { signed, digest } = await open(bytes, MOST_TIMESTAMP, TYP_TIMESTAMP);
  await check(signed, root.timestamp);
  const readList = (r) => (r.arrayOf(3), { version: r.uint(), length: r.uint(), digest: r.bytesOf(32) });
  const found = readWhole(signed.payload, { 4: readList }, [4]);
  const own = { ...head(found), list: found[4], digest };
  if (own.exp - own.iat > WEEK_S || own.list.version === 0 || own.list.length > MOST_LIST) {
    throw notConformant('a timestamp that lives too long or names no list');
  }
  return own;
}

const isRegion = (text) => /^[0-9]{2,12}$/.test(text);

function readNames(reader, isName) {
  const names = reader.list(1, 512, (r) => r.shortText(64));
  if (names.length === 1 && names[0] === '*') return null;
  if (!names.every(isName)) throw notConformant('a scope names no type or region');
  return names;
}

/** §5: role, types and regions (null for all), from, to. */
function readScope(reader) {
  reader.arrayOf(5);
  const role = reader.within(1, 6);
  const [types, regions] = [readNames(reader, isVct), readNames(reader, isRegion)];
  const [from, to] = [reader.time(), reader.time()];
  const isScoped = role === ROLE.licence || role === ROLE.view;
  if (to <= from || (!isScoped && (types !== null || regions !== null))) throw notConformant('a scope that cannot be');
  return { role, types, regions, from, to };
}

function readHistory(reader) {
  const history = reader.list(0, 16, (r) => (r.arrayOf(2), [r.within(0, 2), r.time()]));
  if (history.some(([, since], at) => at > 0 && history[at - 1][1] >= since)) throw notConformant('a history that does not ascend');
  return history;
}

function readKey(reader) {
  const found = reader.closed({
    1: readCoseKey, 2: (r) => r.list(1, 32, readScope), 3: (r) => r.within(0, 2), 4: (r) => r.time(), 5: (r) => r.uint(),
    6: readHistory, 7: (r) => (r.arrayOf(2), { origin: r.text(), root: r.bytesOf(32) }),
  }, [1, 2, 3, 4]);
  const [state, index, tree] = [found[3], found[5], found[7]];
  if ((state === COMPROMISED) !== (index !== undefined) || (tree !== undefined && index === undefined)) {
    throw notConformant('a key state with a wrong cut');
  }
  if ((found[6]?.at(-1)?.[1] ?? 0) > found[4]) throw notConformant('a history that does not ascend');
  return { x: found[1], scopes: found[2], state, since: found[4], cut: index === undefined ? null : { index, tree: tree ?? null } };
}

function readLog(reader) {
  reader.arrayOf(4);
  const [origin, vkey, since] = [reader.text(), reader.text(), reader.time()];
  return { origin, vkey, since, until: reader.isNull() ? null : reader.time() };
}

function readHost(reader) {
  const host = reader.text();
  if (!isHost(host)) throw notConformant('a host has a wrong shape');
  return host;
}

function readEntry(reader) {
  const found = reader.closed({
    1: (r) => r.shortText(64), 2: (r) => r.shortText(256), 3: (r) => r.list(0, 16, readHost), 4: (r) => r.list(0, 8, readLog),
    5: (r) => r.list(0, 64, readKey), 6: (r) => r.shortText(64),
  }, [1, 2, 3, 4, 5]);
  return { id: found[1], hosts: found[3], logs: found[4], keys: found[5], successor: found[6] ?? null };
}

/** What takes time: the import checks of keys, and the ids of logs. */
async function importEntry(entry) {
  for (const key of entry.keys) key.key = await PublicKey.import(key.x);
  for (const log of entry.logs) {
    log.key = await readLogKey(log.vkey);
    if (log.key.name !== log.origin || (log.until !== null && log.until <= log.since)) throw notConformant('a log that does not fit');
  }
  const isKnown = ({ cut }) => !cut?.tree || entry.logs.some((log) => log.origin === cut.tree.origin);
  if (!entry.keys.every(isKnown)) throw notConformant('a cut in a log that the entry does not name');
}

async function openList(bytes, root, timestamp) {
  const digest = await sha256(bytes);
  if (bytes.length !== timestamp.list.length || !equal(digest, timestamp.list.digest)) throw notConformant('another list');
  const signed = Signed.parse(bytes, MOST_LIST, TYP_LIST);
  await check(signed, root.list);
  const found = readWhole(signed.payload, { 4: (r) => r.list(0, 4096, readEntry), 5: (r) => r.text() }, [4, 5]);
  const entries = found[4];
  if (entries.some((entry, at) => at > 0 && compareTexts(entries[at - 1].id, entry.id) >= 0)) throw notConformant('entries out of order');
  for (const entry of entries) await importEntry(entry);
  const keys = entries.flatMap((entry) => entry.keys.map((key) => hex(key.x)));
  if (new Set(keys).size < keys.length) throw notConformant('one public key in two places');
  const own = { ...head(found), entries, digest, policy: await WitnessPolicy.parse(found[5]) };
  if (own.version !== timestamp.list.version) throw notConformant('a list of another version');
  return own;
}

/**
 * The files of a bundle as far as at hand, behind a pinned root (Pinning). `pinned` is the digest of a root, or null.
 * @returns {Promise<Object>} `{held: {root, timestamp, list}}` or `{refused: code}`.
 */
export async function loadTrust(pinned, roots, timestampBytes, listBytes) {
  if (pinned === null) return { refused: 'ROOT_NOT_PINNED' };
  const digests = await Promise.all(roots.map((bytes) => sha256(bytes)));
  if (!digests.some((digest) => equal(digest, pinned))) return { refused: 'TRUST_LIST_SIGNATURE_INVALID' };
  try {
    let root = await openRoot(roots[0]);
    for (const bytes of roots.slice(1)) root = await openRoot(bytes, root);
    const timestamp = timestampBytes === null ? null : await openTimestamp(timestampBytes, root);
    const list = listBytes === null || timestamp === null ? null : await openList(listBytes, root, timestamp);
    return { held: { root, timestamp, list } };
  } catch (fault) {
    if (!(fault instanceof Fault)) throw fault;
    return { refused: fault instanceof Rollback ? 'TRUST_LIST_ROLLBACK' : 'TRUST_LIST_SIGNATURE_INVALID' };
  }
}

const isBehind = (seen, offered) =>
  seen !== null && offered !== null &&
  (offered.version < seen.version || (offered.version === seen.version && !equal(offered.digest, seen.digest)));

/** Whether any of these files is older than one that was seen. */
export const goesBack = (seen, offered) =>
  ['root', 'timestamp', 'list'].some((file) => isBehind(seen[file], offered[file]));

export const isFresh = (files, now, graceS) =>
  files?.list != null && now < files.list.exp && now < files.timestamp.exp + graceS;

export const entryOf = (list, id) => list?.entries.find((entry) => entry.id === id) ?? null;
export const keysWith = (entry, kid) => entry.keys.filter((key) => isSame(key.key.kid, kid));
export const hasTime = (log, time) => log.since <= time && (log.until === null || time < log.until);

/** verify.md §11, 3: the first dimension in which no scope is left, or null. */
export function scopeFault(key, role, vct, area, iat) {
  let left = key.scopes.filter((scope) => scope.role === role);
  if (left.length === 0) return 'SCOPE_ROLE';
  left = left.filter((scope) => scope.types === null || scope.types.includes(vct));
  if (left.length === 0) return 'SCOPE_TYPE';
  left = left.filter((scope) => area === null || scope.regions === null || scope.regions.some((region) => area.startsWith(region)));
  if (left.length === 0) return 'SCOPE_REGION';
  return left.some((scope) => scope.from <= iat && iat < scope.to) ? null : 'SCOPE_TIME';
}

/** §6: whether the key stands for a role at a time; null, or why not. */
export function standingFault(key, role, time) {
  const scopes = key.scopes.filter((scope) => scope.role === role);
  if (scopes.length === 0) return 'SCOPE_ROLE';
  if (!scopes.some((scope) => scope.from <= time && time < scope.to)) return 'SCOPE_TIME';
  if (key.state === ACTIVE || (key.state === RETIRED && time < key.since)) return null;
  return key.state === RETIRED ? 'KEY_NOT_VALID_AT_ISSUE' : 'KEY_COMPROMISED_AFTER_CUT';
}

export const isRetiredBy = (key, time) => key.state === RETIRED && time >= key.since;

/** §6: the key that speaks with a status token, or null. */
export async function speakerOfToken(list, token) {
  for (const entry of list.entries.filter((own) => own.hosts.includes(uriHost(token.uri)))) {
    for (const key of keysWith(entry, token.object.kid)) {
      if ((await token.object.verifiesUnder(key.key)) && standingFault(key, ROLE.status, token.iat) === null) return key.key;
    }
  }
  return null;
}

/** §6: whether a log in use at this time signed the checkpoint. */
export async function isSpokenFor(list, checkpoint, time) {
  const logs = list.entries.flatMap((entry) => entry.logs).filter((log) => hasTime(log, time));
  const answers = await Promise.all(logs.map((log) => speaksFor(checkpoint, log)));
  return answers.includes(true);
}
