// Log proofs, checkpoints and witness policies (spec/log.md).
//
// In scope: what a verifier reads and checks of a log. Out of scope: tiles, witnesses as a service, mirrors.

import { concat, equal, fromBase64, hex, sha256, text as decode, utf8 } from './bytes.js';
import { notConformant } from './cbor.js';
import { PublicKey } from './suite.js';

const MOST_NOTE = 16384;
const MOST_PROOF = 32768;
const MOST_POLICY = 65536;
const MOST_SIZE = 2n ** 62n;
const MOST_TIME = 253402300799n;
const [LOG_SIGNATURE, COSIGNATURE] = [0x01, 0x04];

const broken = (what) => notConformant(what);
const isKeyName = (text) => text !== '' && !/[\p{White_Space}\u0000-\u001f+]/u.test(text);

/** A decimal without sign and leading zero, below 2^64, or null. */
function decimal(text) {
  if (!/^(0|[1-9][0-9]*)$/.test(text)) return null;
  const value = BigInt(text);
  return value < 2n ** 64n ? value : null;
}

function hash(text) {
  const bytes = fromBase64(text);
  return bytes?.length === 32 ? bytes : null;
}

/** `name+id+Base64 of type and key` (§4); throws if it is another type of key, or its id is not that of its key. */
async function readVkey(vkey, type) {
  const [, name, id, encoded] = /^([^+]*)\+([^+]*)\+(.*)$/s.exec(vkey) ?? [];
  const bytes = encoded === undefined ? null : fromBase64(encoded);
  if (bytes === null || !isKeyName(name) || utf8(name).length > 255) throw broken('not a verifier key');
  if (bytes.length !== 33 || bytes[0] !== type) throw broken('a verifier key of another type');
  const key = await PublicKey.import(bytes.subarray(1));
  const digest = await sha256(utf8(name), Uint8Array.of(0x0a, type), key.bytes);
  if (hex(digest.subarray(0, 4)) !== id) throw broken('a key id that is not of this name and key');
  return { name, key, id: digest.subarray(0, 4) };
}

export const readLogKey = (vkey) => readVkey(vkey, LOG_SIGNATURE);

/** A signed note (§4): its text, and its lines with name, key id and signature. */
function readNote(bytes) {
  if (bytes.length > MOST_NOTE) throw broken('the note is too long');
  const note = decode(bytes);
  // eslint-disable-next-line no-control-regex
  if (note === null || /[\u0000-\u0009\u000b-\u001f]/.test(note)) throw broken('the note holds characters that it must not');
  const blank = note.lastIndexOf('\n\n');
  if (blank < 0) throw broken('not a signed note');
  const rest = note.slice(blank + 2);
  const lines = rest.split('\n');
  if (lines.pop() !== '' || lines.length === 0 || lines.length > 32) throw broken('no signature lines, or too many');
  return { text: note.slice(0, blank + 1), lines: lines.map(readLine) };
}

function readLine(line) {
  const found = /^— ([^ ]*) (.*)$/s.exec(line);
  const bytes = found === null || !isKeyName(found[1]) ? null : fromBase64(found[2]);
  if (bytes === null || bytes.length < 5) throw broken('a broken signature line');
  return { name: found[1], id: bytes.subarray(0, 4), signature: bytes.subarray(4) };
}

const linesOf = (note, key) => note.lines.filter((line) => line.name === key.name && equal(line.id, key.id));

/** Whether the log signed; throws if a line of this key does not verify. */
async function isSignedBy(note, key) {
  const lines = linesOf(note, key);
  for (const line of lines) {
    if (!(await key.key.verifies(utf8(note.text), line.signature))) throw broken('a signature of a known key is bad');
  }
  return lines.length > 0;
}

/** When this witness cosigned, all times; throws if a line of it does not verify (§6). */
async function cosignedAt(note, witness) {
  const times = [];
  for (const { signature } of linesOf(note, witness)) {
    if (signature.length !== 72) throw broken('a broken cosignature');
    const time = new DataView(signature.buffer, signature.byteOffset).getBigUint64(0);
    const message = utf8(`cosignature/v1\ntime ${time}\n${note.text}`);
    const isGood = time <= MOST_TIME && (await witness.key.verifies(message, signature.subarray(8)));
    if (!isGood) throw broken('a cosignature of a known witness is bad');
    times.push(Number(time));
  }
  return times;
}

/** A checkpoint (§5), not yet verified. */
export async function readCheckpoint(bytes) {
  const note = readNote(bytes);
  const [origin, sizeText, rootText, end, ...more] = note.text.split('\n');
  const size = decimal(sizeText ?? '');
  const root = hash(rootText ?? '');
  if (!origin || size === null || size > MOST_SIZE || root === null || end !== '' || more.length > 0) {
    throw broken('the text of the note is no checkpoint');
  }
  if (size === 0n && !equal(root, await sha256())) throw broken('an empty tree with another root');
  return { note, origin, size, root };
}

/** Whether this log of a trust list signed the checkpoint; a bad line of its key counts as no. */
export async function speaksFor(checkpoint, log) {
  if (log.key.name !== checkpoint.origin) return false;
  return isSignedBy(checkpoint.note, log.key).catch(() => false);
}

/** A witness policy without logs, as a trust list carries it (§8). */
export class WitnessPolicy {
  static async parse(text) {
    const own = new WitnessPolicy();
    [own.witnesses, own.groups, own.names, own.quorum] = [[], [], new Map(), undefined];
    // eslint-disable-next-line no-control-regex
    const hasControl = /[\u0000-\u0008\u000b-\u001f\u007f]/.test(text);
    if (utf8(text).length > MOST_POLICY || hasControl || !text.endsWith('\n')) throw broken('not a policy');
    for (const line of text.split('\n').slice(0, -1)) await own.#line(line);
    if (own.quorum === undefined) throw broken('a policy without quorum');
    return own;
  }

  async #line(line) {
    const words = line.split(/[ \t]+/).filter((word) => word !== '');
    if (words.length === 0 || words[0].startsWith('#')) return;
    const [verb, ...rest] = words;
    if (verb === 'witness') return this.#witness(rest);
    if (verb === 'group') return this.#group(rest);
    if (verb === 'quorum') return this.#setQuorum(rest);
    throw broken('a line that no policy without logs has');
  }

  #define(name, member) {
    if (name === 'none' || this.names.has(name)) throw broken('a name is defined twice, or is "none"');
    this.names.set(name, { ...member, isTaken: false });
  }

  #find(name) {
    const member = this.names.get(name);
    if (member === undefined) throw broken('a name that is not defined before');
    return member;
  }

  async #witness([name, vkey, , ...more]) {
    if (vkey === undefined || more.length > 0) throw broken('not a witness line');
    const key = await readVkey(vkey, COSIGNATURE);
    if (this.witnesses.some((known) => known.key.is(key.key))) throw broken('a witness key stands twice');
    this.#define(name, { witness: this.witnesses.length });
    if (this.witnesses.push(key) > 64) throw broken('too many witnesses');
  }

  #group([name, threshold, ...words]) {
    const members = words.map((word) => {
      const member = this.#find(word);
      if (member.isTaken) throw broken('a name is a member twice');
      member.isTaken = true;
      return member;
    });
    const counts = { all: members.length, any: 1 };
    const least = Object.hasOwn(counts, threshold ?? '') ? counts[threshold] : Number(decimal(threshold ?? '') ?? 0n);
    if (members.length === 0 || least < 1 || least > members.length) throw broken('a threshold that cannot be met');
    this.#define(name, { group: this.groups.length });
    if (this.groups.push({ members, least }) > 64) throw broken('too many groups');
  }

  #setQuorum([name, ...more]) {
    if (name === undefined || more.length > 0 || this.quorum !== undefined) throw broken('not one quorum line');
    this.quorum = name === 'none' ? null : this.#find(name);
  }

  /**
   * The witnesses that cosigned, each with its chosen time; with `before`, only those whose first time is before it.
   * Throws if a line of any witness is bad.
   */
  async cosigners(note, before) {
    const cosigners = new Map();
    for (const [at, witness] of this.witnesses.entries()) {
      const times = await cosignedAt(note, witness);
      if (times.length === 0) continue;
      if (before === undefined) cosigners.set(at, Math.max(...times));
      else if (Math.min(...times) < before) cosigners.set(at, Math.min(...times));
    }
    return cosigners;
  }

  isMetBy(cosigners) {
    const isThere = (member) => (member.witness !== undefined ? cosigners.has(member.witness) : met[member.group]);
    // A group names earlier groups only, so one pass in order settles them all.
    const met = [];
    for (const group of this.groups) met.push(group.members.filter(isThere).length >= group.least);
    return this.quorum === null || isThere(this.quorum);
  }
}

/** The text of a log proof (§7), not yet verified. */
export async function readProof(bytes) {
  const all = bytes.length > MOST_PROOF ? null : decode(bytes);
  const blank = all?.indexOf('\n\n') ?? -1;
  if (blank < 0) throw broken('not a log proof');
  const [header, ...lines] = all.slice(0, blank).split('\n');
  if (lines[0]?.startsWith('extra ') && fromBase64(lines.shift().slice(6)) === null) throw broken('extra is no Base64');
  const line = lines.shift() ?? '';
  const number = line.startsWith('index ') ? decimal(line.slice(6)) : null;
  const hashes = lines.map(hash);
  if (header !== 'c2sp.org/tlog-proof@v1' || number === null || hashes.includes(null) || hashes.length > 63) {
    throw broken('not a log proof');
  }
  return { bytes, index: number, hashes, checkpoint: await readCheckpoint(utf8(all.slice(blank + 2))) };
}

const nodeHash = (left, right) => sha256(Uint8Array.of(1), left, right);
export const leafHash = (entry) => sha256(Uint8Array.of(0), entry);

/** RFC 9162 §2.1.3.2. */
async function isIncluded(index, leaf, hashes, { size, root }) {
  if (index >= size) return false;
  let [node, last, found] = [index, size - 1n, leaf];
  for (const sibling of hashes) {
    if (last === 0n) return false;
    if ((node & 1n) === 1n || node === last) {
      found = await nodeHash(sibling, found);
      for (; (node & 1n) === 0n && node !== 0n; node >>= 1n) last >>= 1n;
    } else {
      found = await nodeHash(found, sibling);
    }
    [node, last] = [node >> 1n, last >> 1n];
  }
  return last === 0n && equal(found, root);
}

/** The shortest head of an unsigned integer (RFC 8949 §3). */
function integer(value) {
  const [low, size] = value < 24 ? [value, 0] : value < 2 ** 8 ? [24, 1] : value < 2 ** 16 ? [25, 2] : value < 2 ** 32 ? [26, 4] : [27, 8];
  const whole = new DataView(new ArrayBuffer(8));
  whole.setBigUint64(0, BigInt(value));
  return concat(Uint8Array.of(low), new Uint8Array(whole.buffer).subarray(8 - size));
}

/** The entry of an issued licence (§1): `[1, 1, time, digest]`. */
export const issuedEntry = (time, digest) =>
  concat(Uint8Array.of(0x84, 1, 1), integer(time), Uint8Array.of(0x58, 0x20), digest);

/**
 * Steps 2 to 7 of §7. `seen` is the head that was seen at the size that the proof claims, or null.
 * @returns {Promise<Object>} `{code}` of the first step that fails, with `isNotSigned` if it is 2 or 3 for want of a
 * signature; or `{cosigners}`.
 */
export async function checkProof(proof, leaf, logs, policy, seen) {
  const { note, origin, size, root } = proof.checkpoint;
  try {
    const signed = [];
    for (const log of logs.filter((own) => own.key.name === origin)) signed.push(await isSignedBy(note, log.key));
    if (!signed.includes(true)) return { code: 'LOG_PROOF_INVALID', isNotSigned: true };
    const cosigners = await policy.cosigners(note);
    if (!(await isIncluded(proof.index, leaf, proof.hashes, { size, root }))) return { code: 'LOG_PROOF_INVALID' };
    if (seen !== null && !equal(seen.root, root)) return { code: 'LOG_SPLIT_VIEW' };
    return policy.isMetBy(cosigners) ? { cosigners } : { code: 'CHECKPOINT_QUORUM_MISSING' };
  } catch {
    return { code: 'LOG_PROOF_INVALID' };
  }
}

/** Whether a quorum, and at least one witness, cosigned before this moment. */
export async function isCosignedBefore(proof, policy, time) {
  const cosigners = await policy.cosigners(proof.checkpoint.note, time).catch(() => new Map());
  return cosigners.size > 0 && policy.isMetBy(cosigners);
}
