// COSE_Sign1 and COSE_Sign as spec/cose.md narrows them.

import { concat, EMPTY, sha256, utf8 } from './bytes.js';
import { notConformant, Reader } from './cbor.js';
import { ALG_ED25519 } from './suite.js';

const [ALG, KID, TYP, LOG_PROOF] = [1, 4, 16, -70002];
const MOST_SIGNATURES = 16;

/** The head of a byte string of this length, in its shortest form (RFC 8949 §3). */
function byteHead(length) {
  if (length < 24) return Uint8Array.of(0x40 | length);
  if (length < 0x100) return Uint8Array.of(0x58, length);
  if (length < 0x10000) return Uint8Array.of(0x59, length >> 8, length);
  return Uint8Array.of(0x5a, length >>> 24, length >> 16, length >> 8, length);
}

const byteString = (bytes) => concat(byteHead(bytes.length), bytes);
const textHead = (text) => concat(Uint8Array.of(0x60 | text.length), utf8(text));

function readProtected(bytes, members) {
  const reader = new Reader(bytes);
  const read = {
    [ALG]: (r) => r.int(),
    [KID]: (r) => r.bytesOf(8),
    [TYP]: (r) => (r.kind() === 'int' ? r.int() : r.text()),
  };
  const wanted = Object.fromEntries(members.map((member) => [member, read[member]]));
  const found = reader.closed(wanted, members);
  reader.end();
  return found;
}

/** A COSE_Sign1 (RFC 9052 §4.2). */
export class Sign1 {
  static parse(bytes, cap) {
    if (bytes.length > cap) throw notConformant('the object is longer than its kind allows');
    const reader = new Reader(bytes);
    reader.tag(18);
    reader.arrayOf(4);
    const own = new Sign1();
    own.protectedBytes = reader.bytes();
    own.logProof = reader.closed({ [LOG_PROOF]: (r) => r.bytes() }, [])[LOG_PROOF] ?? null;
    own.payload = reader.bytes();
    own.signature = reader.bytesOf(64);
    reader.end();
    if (own.payload.length === 0) throw notConformant('the payload is empty');
    const header = readProtected(own.protectedBytes, [ALG, KID, TYP]);
    [own.alg, own.kid, own.typ] = [header[ALG], header[KID], header[TYP]];
    return own;
  }

  static parseTyped(bytes, cap, typ) {
    const object = Sign1.parse(bytes, cap);
    if (object.typ !== typ) throw notConformant('the object is of another type');
    if (object.logProof !== null) throw notConformant('a log proof where none may be carried');
    return object;
  }

  get isOfAllowedAlgorithm() {
    return this.alg === ALG_ED25519;
  }

  async verifiesUnder(key) {
    const parts = [Uint8Array.of(0x84), textHead('Signature1'), byteString(this.protectedBytes)];
    const message = concat(...parts, byteString(EMPTY), byteString(this.payload));
    return this.isOfAllowedAlgorithm && key.verifies(message, this.signature);
  }

  /** SHA-256 of the statement form: the same object with an empty unprotected map. */
  async statementDigest() {
    const head = concat(Uint8Array.of(0xd2, 0x84), byteString(this.protectedBytes), Uint8Array.of(0xa0));
    return sha256(head, byteString(this.payload), byteString(this.signature));
  }
}

function readSignature(reader) {
  reader.arrayOf(3);
  const protectedBytes = reader.bytes();
  reader.closed({}, []);
  const bytes = reader.bytesOf(64);
  const header = readProtected(protectedBytes, [ALG, KID]);
  return { protectedBytes, bytes, alg: header[ALG], kid: header[KID] };
}

/** A COSE_Sign, the form of a trust file (RFC 9052 §4.1). */
export class Signed {
  static parse(bytes, cap, typ) {
    if (bytes.length > cap) throw notConformant('the file is longer than its kind allows');
    const reader = new Reader(bytes);
    reader.tag(98);
    reader.arrayOf(4);
    const own = new Signed();
    own.protectedBytes = reader.bytes();
    reader.closed({}, []);
    own.payload = reader.bytes();
    own.signatures = reader.list(1, MOST_SIGNATURES, readSignature);
    reader.end();
    const kids = own.signatures.map((signature) => signature.kid);
    if (!isAscending(kids)) throw notConformant('signatures are doubled or out of order');
    const body = new Reader(own.protectedBytes);
    const found = body.closed({ [TYP]: (r) => r.text() }, [TYP])[TYP];
    body.end();
    if (found !== typ) throw notConformant('the file is of another type');
    return own;
  }

  /** How many of these keys signed; throws if one of them signed wrongly, or any signature has a forbidden algorithm. */
  async count(keys) {
    let good = 0;
    for (const signature of this.signatures) {
      if (signature.alg !== ALG_ED25519) throw notConformant('a signature with a forbidden algorithm');
      const named = keys.filter((key) => isSame(key.kid, signature.kid));
      if (named.length === 0) continue;
      const parts = [Uint8Array.of(0x85), textHead('Signature'), byteString(this.protectedBytes)];
      const message = concat(...parts, byteString(signature.protectedBytes), byteString(EMPTY), byteString(this.payload));
      const checks = await Promise.all(named.map((key) => key.verifies(message, signature.bytes)));
      if (!checks.includes(true)) throw notConformant('a signature of a known key does not verify');
      good += 1;
    }
    return good;
  }
}

const order = (a, b) => a.reduce((found, byte, at) => found || byte - b[at], 0);
export const isSame = (a, b) => order(a, b) === 0;

/** Whether these key ids ascend strictly. */
export const isAscending = (kids) => kids.every((kid, at) => at === 0 || order(kids[at - 1], kid) < 0);
